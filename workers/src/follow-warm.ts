import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { batchNumber } from '#jobs/cycle/cycle-id';
import { cyclePayload } from '#jobs/cycle/payloads';
import type { PublishSummary } from '#jobs/definitions/publish';
import type { Enqueuer } from '#jobs/enqueue';
import { asForewarmError, ForewarmError, isErrorCode } from '#shared/errors';

/** How far a request has come. */
export type WarmProgress =
  | { readonly phase: 'waiting'; readonly reason: string }
  | { readonly phase: 'running'; readonly cycle: string; readonly rowsDone: number; readonly rows: number };

export type WarmEnd = PublishSummary & { readonly cycle: string };

const LOOK_EVERY_MS = 100;
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
  const look = async <T>(once: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await once().catch((error: unknown) =>
        Promise.reject(asForewarmError(error, 'FW_REDIS_UNAVAILABLE')),
      );
      if (found !== undefined) return found;
      if (signal.aborted) throw signal.reason;
      // Whoever stops following is told how far it has come: one last look.
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const cycle = await look(() => cycleOf(enqueue, jobId, onProgress));
  return look(() => endOf(enqueue, cycle, onProgress));
}

/** The cycle that the job started, once it has. */
async function cycleOf(
  enqueue: Enqueuer,
  jobId: string,
  onProgress: (progress: WarmProgress) => void,
): Promise<string | undefined> {
  const job = await jobOf(enqueue, 'warm', jobId);
  const state = await job.getState();
  if (state === 'failed') throw failureOf(job);
  if (state !== 'completed') {
    onProgress({ phase: 'waiting', reason: await waitsFor(enqueue, state) });
    return undefined;
  }
  const { cycle, skipped } = (await jobOf(enqueue, 'warm', jobId)).returnvalue as { cycle?: string; skipped?: string };
  if (cycle === undefined)
    throw new ForewarmError('FW_CYCLE_LOST', `no cycle was started: ${skipped ?? 'no reason given'}`);
  return cycle;
}

async function waitsFor(enqueue: Enqueuer, state: string): Promise<string> {
  if (state === 'delayed') return 'for the running cycle to end';
  const takers = await enqueue.queue('warm').getWorkersCount();
  return takers === 0 ? 'for a daemon with the role scheduler: none is running' : 'for its turn';
}

async function endOf(
  enqueue: Enqueuer,
  cycle: string,
  onProgress: (progress: WarmProgress) => void,
): Promise<WarmEnd | undefined> {
  const job = await jobOf(enqueue, 'publish', cycle);
  const state = await job.getState();
  if (state === 'failed') throw failureOf(job);
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

async function jobOf(enqueue: Enqueuer, queue: string, id: string): Promise<Job> {
  const job = await enqueue.queue(queue).getJob(id);
  if (job !== undefined) return job;
  throw new ForewarmError('FW_CYCLE_LOST', `job ${id} vanished from queue ${queue}`);
}

/** Jobs fail with `CODE: message`. */
function failureOf(job: Job): ForewarmError {
  const [, code = '', message = ''] = /^(FW_\w+): ([\s\S]*)$/.exec(job.failedReason ?? '') ?? [];
  if (isErrorCode(code)) return new ForewarmError(code, message);
  return new ForewarmError('FW_INTERNAL', `job ${job.id} failed: ${job.failedReason}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
