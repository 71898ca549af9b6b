import type { JobSchedulerJson } from 'bullmq';
import type { Clock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import type { JobDefinition, JobSchedule } from './define-job';
import type { Enqueuer } from './enqueue';

interface ScheduledJob extends JobSchedule<unknown> {
  readonly job: string;
  /** The scheduler's id in its queue. */
  readonly id: string;
}

/** What a schedule goes by in the queue of its job. */
export function scheduleId({ name }: Pick<JobDefinition, 'name'>, key: string): string {
  return `${name}-${key}`;
}

/** Every schedule that the registry states for this configuration. */
export function schedulesOf(definitions: readonly JobDefinition[], config: Config): ScheduledJob[] {
  return definitions.flatMap((definition) =>
    definition.schedules(config).map((schedule) => ({
      ...schedule,
      job: definition.name,
      id: scheduleId(definition, schedule.key),
    })),
  );
}

/** The ids of the schedules that the queues hold. */
export async function presentSchedules(definitions: readonly JobDefinition[], enqueue: Enqueuer): Promise<string[]> {
  const present = definitions.map(async ({ name }) => enqueue.queue(name).getJobSchedulers());
  return (await Promise.all(present)).flat().map(({ key }) => key);
}

/**
 * Makes the queues hold the configuration's schedules. Safe to repeat: a schedule that is there keeps its phase.
 * Returns the ids of those that were not there: a queue that lost its Redis has lost them without an error.
 * @param when `start` of a daemon: a new schedule runs first after one period, and one that is there is brought up to date;
 *   `later`: a schedule that was lost runs at once, others are left alone, so that daemons of an old and a new configuration do not
 *   change them back and forth
 * @param known ids; others are not made
 */
export async function upsertSchedules(
  definitions: readonly JobDefinition[],
  config: Config,
  enqueue: Enqueuer,
  clock: Clock,
  when: 'start' | 'later',
  known?: ReadonlySet<string>,
): Promise<string[]> {
  const wanted = schedulesOf(definitions, config).filter(({ id }) => known?.has(id) ?? true);
  const created: string[] = [];
  await limitToOne(definitions, enqueue);
  for (const definition of definitions) {
    const queue = enqueue.queue(definition.name);
    const present = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
    for (const schedule of wanted.filter((candidate) => candidate.job === definition.name)) {
      const there = present.get(schedule.id);
      // Making it anew would put off a run that is due since before this daemon began.
      if (there !== undefined && (when === 'later' || hasTimes(there, schedule))) continue;
      if (there === undefined) created.push(schedule.id);
      const first =
        when === 'start' && schedule.cron === undefined ? { startDate: clock.now() + schedule.everyMs } : {};
      await queue.upsertJobScheduler(schedule.id, { ...repeatOf(schedule), ...first }, templateOf(schedule, enqueue));
    }
  }
  return created;
}

/** One run at a time over all machines, for the jobs that ask for it. Kept in Redis, and lost with it. */
export async function limitToOne(definitions: readonly JobDefinition[], enqueue: Enqueuer): Promise<void> {
  const limited = definitions.filter(({ concurrency }) => concurrency === 'everywhere');
  for (const { name } of limited) await enqueue.queue(name).setGlobalConcurrency(1);
}

/**
 * Removes schedules that the configuration no longer has, and returns their ids. For the start of a daemon only: while a new
 * configuration is rolled out, daemons of the old one must not take the new one's schedules away again and again.
 */
export async function removeOtherSchedules(
  definitions: readonly JobDefinition[],
  config: Config,
  enqueue: Enqueuer,
): Promise<string[]> {
  const wanted = new Set(schedulesOf(definitions, config).map((schedule) => schedule.id));
  const removed: string[] = [];
  for (const { name } of definitions) {
    const queue = enqueue.queue(name);
    const others = (await queue.getJobSchedulers()).map(({ key }) => key).filter((id) => !wanted.has(id));
    for (const id of others) await queue.removeJobScheduler(id);
    removed.push(...others);
  }
  return removed;
}

/** Periods by which a schedule's next run may lie behind or ahead before it is looked at again. */
const FAR_PERIODS = 3;

/**
 * Makes schedules anew that are there and do not run: their next run is long past, or far ahead because a clock was set
 * back, and was the same at the last look. One that moves on is alive whatever a clock says, and so is one that has only
 * been found late: the machine may have been asleep. Returns their ids.
 * @param farRuns the next runs that were far from now at the last look, by schedule; brought up to date
 */
export async function reviveSchedules(
  definitions: readonly JobDefinition[],
  config: Config,
  enqueue: Enqueuer,
  clock: Clock,
  farRuns: Map<string, number>,
): Promise<string[]> {
  const revived: string[] = [];
  for (const schedule of schedulesOf(definitions, config)) {
    const queue = enqueue.queue(schedule.job);
    const next = (await queue.getJobScheduler(schedule.id))?.next;
    const before = farRuns.get(schedule.id);
    farRuns.delete(schedule.id);
    if (next === undefined || Math.abs(clock.now() - next) <= FAR_PERIODS * schedule.everyMs) continue;
    if (next !== before) {
      farRuns.set(schedule.id, next);
      continue;
    }
    await queue.removeJobScheduler(schedule.id);
    await queue.upsertJobScheduler(schedule.id, repeatOf(schedule), templateOf(schedule, enqueue));
    revived.push(schedule.id);
  }
  return revived;
}

function repeatOf({ cron, everyMs }: ScheduledJob) {
  return cron === undefined ? { every: everyMs } : { pattern: cron.pattern, tz: cron.timezone };
}

/** Whether a schedule that is there has the cron times of the configuration. */
function hasTimes(there: JobSchedulerJson, { cron }: ScheduledJob): boolean {
  return cron !== undefined && there.pattern === cron.pattern && there.tz === cron.timezone;
}

function templateOf(schedule: ScheduledJob, enqueue: Enqueuer) {
  return { name: schedule.job, data: schedule.payload, opts: enqueue.options(schedule.job) };
}
