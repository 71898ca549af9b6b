import { batchNumber } from '#jobs/cycle/cycle-id';
import { cyclePayload } from '#jobs/cycle/payloads';
import type { PublishSummary } from '#jobs/definitions/publish';
import type { Enqueuer } from '#jobs/enqueue';
import { ForewarmError } from '#shared/errors';
import { failureOf, jobOf, lookUntil, waitsFor } from './follow-job';

/** How far a request has come. */
export type WarmProgress =
  | { readonly phase: 'waiting'; readonly reason: string }
  | { readonly phase: 'running'; readonly cycle: string; readonly rowsDone: number; readonly rows: number };

export type WarmEnd = PublishSummary & { readonly cycle: string };

/** Children of one cycle that are read at once; more than a cycle has. */
const ALL_CHILDREN = 100_000;

/**
 * Follows a `warm` job through the cycle that it starts to that cycle's end. It only looks: to stop following changes nothing.
 * @throws ForewarmError what the job failed with; FW_REDIS_UNAVAILABLE; the signal's reason when it is aborted
 */
export async function followWarm(
  enqueue: Enqueuer,
  jobId: string,
  onProgress: (progress: WarmProgress) => void,
  signal: AbortSignal,
): Promise<WarmEnd> {
  const cycle = await lookUntil(signal, () => cycleOf(enqueue, jobId, onProgress));
  return lookUntil(signal, () => endOf(enqueue, cycle, onProgress));
}

/** The cycle that the job started, once it has. */
async function cycleOf(
  enqueue: Enqueuer,
  jobId: string,
  onProgress: (progress: WarmProgress) => void,
): Promise<string | undefined> {
  const job = await jobOf(enqueue, 'warm', jobId);
  const state = await job.getState();
  if (state === 'failed') throw failureOf(await jobOf(enqueue, 'warm', jobId));
  if (state !== 'completed') {
    onProgress({ phase: 'waiting', reason: await waitsFor(enqueue, 'warm', state) });
    return undefined;
  }
  const { cycle, skipped } = (await jobOf(enqueue, 'warm', jobId)).returnvalue as { cycle?: string; skipped?: string };
  if (cycle === undefined)
    throw new ForewarmError('FW_CYCLE_LOST', `no cycle was started: ${skipped ?? 'no reason given'}`);
  return cycle;
}

async function endOf(
  enqueue: Enqueuer,
  cycle: string,
  onProgress: (progress: WarmProgress) => void,
): Promise<WarmEnd | undefined> {
  const job = await jobOf(enqueue, 'publish', cycle);
  const state = await job.getState();
  if (state === 'failed') throw failureOf(await jobOf(enqueue, 'publish', cycle));
  const { batchSizes } = cyclePayload.parse(job.data);
  const rows = sum(batchSizes);
  if (state === 'completed') {
    onProgress({ phase: 'running', cycle, rowsDone: rows, rows });
    return { cycle, ...((await jobOf(enqueue, 'publish', cycle)).returnvalue as PublishSummary) };
  }
  const { unprocessed = [] } = await job.getDependencies({ unprocessed: { count: ALL_CHILDREN } });
  const left = sum(unprocessed.map((key) => batchSizes[batchNumber(key)] ?? 0));
  onProgress({ phase: 'running', cycle, rowsDone: rows - left, rows });
  return undefined;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
