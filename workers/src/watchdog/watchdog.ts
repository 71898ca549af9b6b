import cron, { type ScheduledTask } from 'node-cron';
import type { JobContext } from '#jobs/context';
import { DelayedJobs } from '#jobs/delayed-jobs';
import type { Registry } from '#jobs/registry';
import { presentSchedules, reviveSchedules, schedulesOf, upsertSchedules } from '#jobs/schedule';
import { steadyClock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import type { Service } from '#shared/lifecycle';
import { within } from '#shared/within';
import type { QueueTrouble } from '../queue-trouble';

/** For a look that is under way when the daemon stops. */
const STOP_MS = 2_000;
/** The shortest period that a cron expression has. */
const SHORTEST_MS = 1_000;

/** What the watchdog has looked at besides the schedules, in turn. */
export interface Watched {
  /** For the log when a look fails, such as `the cache`. */
  readonly name: string;
  look(): Promise<void>;
}

/**
 * Looks after the schedules and the cache from outside the queue, in each daemon: a Redis that comes back empty has lost them
 * without an error, and a schedule can be there and not run. node-cron goes by the time of day and would sleep for an hour when
 * the clock is set back by one: a timer that counts time by itself looks whether it still fires.
 */
export class Watchdog implements Service {
  readonly name = 'watchdog';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly trouble: QueueTrouble;
  private readonly watched: readonly Watched[];
  /** Next runs that were far from now at the last look, by schedule. */
  private readonly farRuns = new Map<string, number>();
  private readonly delayed = new DelayedJobs(steadyClock);
  /** Schedules that the queues are known to have held. A daemon of other roles does not make the first ones. */
  private readonly known: Set<string>;
  private task: ScheduledTask | undefined;
  private guard: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** When the last look began, by the steady clock. */
  private lookedAtMs = steadyClock.now();

  constructor(registry: Registry, context: JobContext, trouble: QueueTrouble, watched: readonly Watched[]) {
    this.registry = registry;
    this.context = context;
    this.trouble = trouble;
    this.watched = watched;
    const { config } = context;
    const own = config.roles.includes('scheduler') ? schedulesOf(registry.definitions, config) : [];
    this.known = new Set(own.map(({ id }) => id));
  }

  async start(): Promise<void> {
    const report = (error: unknown): void => this.trouble.report('watchdog', error);
    const silent = (): void => undefined;
    cron.setLogger({ info: silent, debug: silent, warn: report, error: report });
    const { everyMs } = this.context.config.watchdog;
    this.schedule();
    this.guard = setInterval(() => void this.rewind().catch(report), everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.guard);
    this.guard = undefined;
    await this.task?.destroy();
    this.task = undefined;
    if (this.looking !== undefined) await within(this.looking, STOP_MS);
  }

  private schedule(): void {
    this.task = cron.schedule(cronEvery(this.context.config.watchdog.everyMs), () => this.look(), {
      name: 'watchdog',
      timezone: 'UTC',
      noOverlap: true,
      // After a sleep, or a clock set forward, it would name every second that was left out. The next look sees to all of them.
      suppressMissedWarning: true,
    });
  }

  /** Winds a task up again that has not fired for two periods. */
  private async rewind(): Promise<void> {
    if (steadyClock.now() - this.lookedAtMs <= 2 * lookEveryMs(this.context.config)) return;
    await this.task?.destroy();
    if (this.guard === undefined) return;
    this.schedule();
    await this.look();
  }

  /** One look at a time; it never rejects. */
  private look(): Promise<void> {
    this.lookedAtMs = steadyClock.now();
    this.looking ??= this.check()
      .catch((error: unknown) => this.trouble.report('watchdog', error))
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  /** A look that fails is no reason to leave out the next: stores fail apart from each other. */
  private async check(): Promise<void> {
    const looks = [{ name: 'the schedules', look: () => this.checkSchedules() }, ...this.watched];
    for (const watched of looks) {
      await watched.look().catch((error: unknown) => this.trouble.report(`looking after ${watched.name}`, error));
    }
  }

  private async checkSchedules(): Promise<void> {
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

/** The time between two looks: that of the configuration, or the shortest that there is. */
export function lookEveryMs({ watchdog }: Config): number {
  return Math.max(SHORTEST_MS, watchdog.everyMs);
}

/** A cron expression that fires about every `ms`: whole seconds below a minute, whole minutes from there. */
export function cronEvery(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return `0 */${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
