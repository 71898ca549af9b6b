import type { JobContext } from '#jobs/context';
import { DelayedJobs } from '#jobs/delayed-jobs';
import type { Registry } from '#jobs/registry';
import { presentSchedules, reviveSchedules, schedulesOf, upsertSchedules } from '#jobs/schedule';
import { steadyClock } from '#shared/clock';
import type { QueueTrouble } from '../queue-trouble';
import type { Watched } from './watchdog';

/** Looks whether the schedules are there and run: they can be lost without an error, and be there and not run. */
export class ScheduleWatch implements Watched {
  readonly name = 'the schedules';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly trouble: QueueTrouble;
  /** Next runs that were far from now at the last look, by schedule. */
  private readonly farRuns = new Map<string, number>();
  private readonly delayed = new DelayedJobs(steadyClock);
  /** Schedules that the queues are known to have held. A daemon of other roles does not make the first ones. */
  private readonly known: Set<string>;

  constructor(registry: Registry, context: JobContext, trouble: QueueTrouble) {
    this.registry = registry;
    this.context = context;
    this.trouble = trouble;
    const { config } = context;
    const own = config.roles.includes('scheduler') ? schedulesOf(registry.definitions, config) : [];
    this.known = new Set(own.map(({ id }) => id));
  }

  /** @throws whatever the queue does */
  async look(): Promise<void> {
    const { config, enqueue, clock, log } = this.context;
    const { definitions } = this.registry;
    for (const id of await presentSchedules(definitions, enqueue)) this.known.add(id);
    const created = await upsertSchedules(definitions, config, enqueue, clock, 'later', this.known);
    // It has written: the limit of one run at a time.
    this.trouble.accepted();
    if (created.length > 0) log.warn('schedules were gone and were made anew', { schedules: created });
    const revived = await reviveSchedules(definitions, config, enqueue, clock, this.farRuns);
    if (revived.length > 0) log.warn('schedules did not run and were made anew', { schedules: revived });
    const released = await this.delayed.release(definitions, enqueue);
    if (released.length > 0) log.warn('jobs waited for a time that did not come and run now', { jobs: released });
  }
}
