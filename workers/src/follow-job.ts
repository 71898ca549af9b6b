import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Enqueuer } from '#jobs/enqueue';
import { asForewarmError, ForewarmError, isErrorCode } from '#shared/errors';

const LOOK_EVERY_MS = 100;

/** How far a job has come. */
export type JobProgress<P> = { readonly waits: string } | { readonly at: P };

/**
 * Follows a job to its end. It only looks: to stop following changes nothing.
 * @returns what the job ended with
 * @throws ForewarmError what the job failed with; FW_REDIS_UNAVAILABLE; the signal's reason when it is aborted
 */
export function followJob<R, P>(
  enqueue: Enqueuer,
  queue: string,
  id: string,
  onProgress: (progress: JobProgress<P>) => void,
  signal: AbortSignal,
): Promise<R> {
  return lookUntil(signal, async () => {
    const job = await jobOf(enqueue, queue, id);
    const state = await job.getState();
    if (state === 'failed') throw failureOf(await jobOf(enqueue, queue, id));
    if (state === 'completed') return (await jobOf(enqueue, queue, id)).returnvalue as R;
    const { progress } = job;
    const begun = state === 'active' && typeof progress === 'object';
    onProgress(begun ? { at: progress as P } : { waits: await waitsFor(enqueue, queue, state) });
    return undefined;
  });
}

/** Looks again and again until there is something. Whoever stops looking is told how far it has come: one last look. */
export async function lookUntil<T>(signal: AbortSignal, once: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await once().catch((error: unknown) =>
      Promise.reject(asForewarmError(error, 'FW_REDIS_UNAVAILABLE')),
    );
    if (found !== undefined) return found;
    if (signal.aborted) throw signal.reason;
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Why a job has not begun. */
export async function waitsFor(enqueue: Enqueuer, queue: string, state: string): Promise<string> {
  if (state === 'delayed') return queue === 'warm' ? 'for the running cycle to end' : 'to be tried again';
  const takers = await enqueue.queue(queue).getWorkersCount();
  return takers === 0 ? 'for a daemon with the role scheduler: none is running' : 'for its turn';
}

/** @throws ForewarmError FW_CYCLE_LOST */
export async function jobOf(enqueue: Enqueuer, queue: string, id: string): Promise<Job> {
  const job = await enqueue.queue(queue).getJob(id);
  if (job !== undefined) return job;
  throw new ForewarmError('FW_CYCLE_LOST', `job ${id} vanished from queue ${queue}`);
}

/** Jobs fail with `CODE: message`. The job must have been read after it failed: what was read before has no reason. */
export function failureOf(job: Job): ForewarmError {
  const [, code = '', message = ''] = /^(FW_\w+): ([\s\S]*)$/.exec(job.failedReason ?? '') ?? [];
  if (isErrorCode(code)) return new ForewarmError(code, message);
  return new ForewarmError('FW_INTERNAL', `job ${job.id} failed: ${job.failedReason}`);
}
