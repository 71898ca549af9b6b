import type { Clock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import type { JobDefinition, JobSchedule } from './define-job';
import type { Enqueuer } from './enqueue';

interface ScheduledJob extends JobSchedule<unknown> {
  readonly job: string;
  /** The scheduler's id in its queue. */
  readonly id: string;
}

/** Every schedule that the registry states for this configuration. */
export function schedulesOf(definitions: readonly JobDefinition[], config: Config): ScheduledJob[] {
  return definitions.flatMap((definition) =>
    definition.schedules(config).map((schedule) => ({
      ...schedule,
      job: definition.name,
      id: `${definition.name}-${schedule.key}`,
    })),
  );
}

export interface UpsertResult {
  /** Schedules that were not there: a queue that lost its Redis has lost them without an error. */
  readonly created: readonly string[];
  /** Schedules that the configuration no longer has. */
  readonly removed: readonly string[];
}

/**
 * Makes the queues' schedules those of the configuration. Safe to repeat: a schedule that is there keeps its phase.
 * @param firstRun `now` runs a created schedule at once, `next` after one period
 */
export async function upsertSchedules(
  definitions: readonly JobDefinition[],
  config: Config,
  enqueue: Enqueuer,
  clock: Clock,
  firstRun: 'now' | 'next',
): Promise<UpsertResult> {
  const wanted = schedulesOf(definitions, config);
  const created: string[] = [];
  const removed: string[] = [];
  for (const definition of definitions) {
    const queue = enqueue.queue(definition.name);
    // One run at a time over all machines is kept in Redis, and lost with it.
    if (definition.concurrency === 'everywhere') await queue.setGlobalConcurrency(1);
    const present = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler.every]));
    for (const schedule of wanted.filter((candidate) => candidate.job === definition.name)) {
      if (Number(present.get(schedule.id)) === schedule.everyMs) continue;
      if (!present.has(schedule.id)) created.push(schedule.id);
      const first = firstRun === 'next' ? { startDate: clock.now() + schedule.everyMs } : {};
      const template = { name: schedule.job, data: schedule.payload, opts: enqueue.options(schedule.job) };
      await queue.upsertJobScheduler(schedule.id, { every: schedule.everyMs, ...first }, template);
    }
    for (const id of present.keys()) {
      if (wanted.some((schedule) => schedule.id === id)) continue;
      await queue.removeJobScheduler(id);
      removed.push(id);
    }
  }
  return { created, removed };
}

/**
 * Makes a schedule anew whose runs have stopped although it is still there.
 * @returns whether there is such a schedule
 */
export async function restartSchedule(
  definitions: readonly JobDefinition[],
  config: Config,
  enqueue: Enqueuer,
  id: string,
): Promise<boolean> {
  const schedule = schedulesOf(definitions, config).find((candidate) => candidate.id === id);
  if (schedule === undefined) return false;
  const queue = enqueue.queue(schedule.job);
  await queue.removeJobScheduler(id);
  const template = { name: schedule.job, data: schedule.payload, opts: enqueue.options(schedule.job) };
  await queue.upsertJobScheduler(id, { every: schedule.everyMs }, template);
  return true;
}
