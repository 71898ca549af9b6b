import type { Job, Queue } from 'bullmq';
import { asForewarmError } from '#shared/errors';
import type { JobDefinition } from './define-job';
import type { Enqueuer } from './enqueue';

/** Jobs of a queue by what they are doing. */
export interface QueueDepths {
  readonly waiting: number;
  readonly active: number;
  /** Until a time that is still to come. */
  readonly delayed: number;
  /** For other jobs to end. */
  readonly waitingChildren: number;
  /** Ended, and still kept to be looked at. */
  readonly failed: number;
  readonly completed: number;
}

export interface WaitingJob {
  readonly id: string;
  /** Name of the model that its data name. */
  readonly model: string | null;
  /** How long it could have run already. */
  readonly ageMs: number;
}

export interface ScheduleState {
  readonly id: string;
  /** `null` for one that runs at the times of a cron pattern. */
  readonly everyMs: number | null;
  readonly cron: string | null;
  readonly nextAt: Date | null;
}

/** What one queue holds, and who takes from it. */
export interface QueueState {
  /** Also the name of its job. */
  readonly name: string;
  readonly role: JobDefinition['role'];
  readonly depths: QueueDepths;
  readonly oldest: WaitingJob | null;
  /** Hosts of the workers that are connected, one entry for each worker; `null` where Redis does not tell. */
  readonly workers: readonly string[] | null;
  readonly schedules: readonly ScheduleState[];
}

/** What BullMQ answers with in place of workers where the command CLIENT is not allowed. */
const NO_CLIENT_LIST = 'GCP does not support client list';
const UNNAMED = 'unknown host';

/**
 * The queues of these jobs as they are now.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function queueStates(
  definitions: readonly JobDefinition[],
  enqueue: Enqueuer,
  now: Date,
): Promise<QueueState[]> {
  try {
    return await Promise.all(
      definitions.map(async ({ name, role }) => {
        const queue = enqueue.queue(name);
        const [depths, oldest, workers, schedules] = await Promise.all([
          depthsOf(queue),
          oldestWaiting(queue, now),
          liveWorkers(queue),
          schedulersOf(queue),
        ]);
        return { name, role, depths, oldest, workers, schedules };
      }),
    );
  } catch (error) {
    throw asForewarmError(error, 'FW_REDIS_UNAVAILABLE', 'reading the queues');
  }
}

/** The jobs of a queue by what they are doing. */
export async function depthsOf(queue: Queue): Promise<QueueDepths> {
  const counts = await queue.getJobCounts();
  const of = (state: string): number => counts[state] ?? 0;
  return {
    waiting: of('waiting') + of('prioritized'),
    active: of('active'),
    delayed: of('delayed'),
    waitingChildren: of('waiting-children'),
    failed: of('failed'),
    completed: of('completed'),
  };
}

async function oldestWaiting(queue: Queue, now: Date): Promise<WaitingJob | null> {
  const [job] = (await queue.getJobs(['waiting'], 0, 0, true)) as (Job | undefined)[];
  if (job === undefined) return null;
  // A job of a schedule is there one period before it is due.
  const dueAt = job.timestamp + (job.opts.delay ?? 0);
  const { model } = (job.data ?? {}) as { model?: unknown };
  return {
    id: job.id ?? '',
    model: typeof model === 'string' ? model : null,
    ageMs: Math.max(0, now.getTime() - dueAt),
  };
}

/** Hosts of the workers that are connected to a queue, one entry for each; `null` where Redis does not tell. */
export async function liveWorkers(queue: Queue): Promise<string[] | null> {
  const workers = await queue.getWorkers();
  if (workers.some(({ name }) => name === NO_CLIENT_LIST)) return null;
  return workers.map(({ rawname = '' }) => /:w:(.+)$/.exec(rawname)?.[1] ?? UNNAMED).sort();
}

async function schedulersOf(queue: Queue): Promise<ScheduleState[]> {
  const schedulers = await queue.getJobSchedulers();
  return schedulers.map(({ key, every, next, pattern = null, tz }) => ({
    id: key,
    everyMs: every === undefined ? null : Number(every),
    cron: pattern === null ? null : `${pattern} ${tz ?? ''}`.trim(),
    nextAt: next === undefined ? null : new Date(next),
  }));
}
