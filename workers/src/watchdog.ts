import cron, { type ScheduledTask } from 'node-cron';
import type { JobContext } from '#jobs/context';
import { heldModel } from '#jobs/cycle/held-model';
import { OverdueModels } from '#jobs/cycle/overdue-models';
import { DelayedJobs } from '#jobs/delayed-jobs';
import type { Registry } from '#jobs/registry';
import { presentSchedules, reviveSchedules, schedulesOf, upsertSchedules } from '#jobs/schedule';
import { steadyClock } from '#shared/clock';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';
import { within } from '#shared/within';

/** For a look that is under way when the daemon stops. */
const STOP_MS = 2_000;
/** The shortest period that a cron expression has. */
const SHORTEST_MS = 1_000;

/**
 * Looks after the schedules from outside the queue, in each daemon: a Redis that comes back empty has lost them without an
 * error, and a schedule can be there and not run. node-cron goes by the time of day and would sleep for an hour when the clock
 * is set back by one: a timer that counts time by itself looks whether it still fires.
 */
export class Watchdog implements Service {
  readonly name = 'watchdog';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly errors: RepeatedErrors;
  /** Models whose cache was seen full: only what was there can have been lost. */
  private readonly seenFull = new Set<string>();
  /** Next runs that were far from now at the last look, by schedule. */
  private readonly farRuns = new Map<string, number>();
  private readonly delayed = new DelayedJobs(steadyClock);
  private readonly overdue: OverdueModels;
  /** Schedules that the queues are known to have held. A daemon of other roles does not make the first ones. */
  private readonly known: Set<string>;
  private task: ScheduledTask | undefined;
  private guard: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** When the last look began, by the steady clock. */
  private lookedAtMs = steadyClock.now();

  constructor(registry: Registry, context: JobContext, errors: RepeatedErrors) {
    this.registry = registry;
    this.context = context;
    this.errors = errors;
    this.overdue = new OverdueModels(steadyClock, Math.max(SHORTEST_MS, context.config.watchdog.everyMs));
    const { config } = context;
    const own = config.roles.includes('scheduler') ? schedulesOf(registry.definitions, config) : [];
    this.known = new Set(own.map(({ id }) => id));
  }

  async start(): Promise<void> {
    const report = (error: unknown): void => this.errors.report('watchdog', error);
    const silent = (): void => undefined;
    // Its warnings tell of runs that were missed, one by one when the clock is set ahead, and of overlaps.
    cron.setLogger({ info: silent, debug: silent, warn: silent, error: report });
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
    });
  }

  /** Winds a task up again that has not fired for two periods. */
  private async rewind(): Promise<void> {
    const periodMs = Math.max(SHORTEST_MS, this.context.config.watchdog.everyMs);
    if (steadyClock.now() - this.lookedAtMs <= 2 * periodMs) return;
    await this.task?.destroy();
    if (this.guard === undefined) return;
    this.schedule();
    await this.look();
  }

  /** One look at a time; it never rejects. */
  private look(): Promise<void> {
    this.lookedAtMs = steadyClock.now();
    this.looking ??= this.check()
      .catch((error: unknown) => this.errors.report('watchdog', error))
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  private async check(): Promise<void> {
    const { config, enqueue, clock, log, models } = this.context;
    const { definitions } = this.registry;
    for (const id of await presentSchedules(definitions, enqueue)) this.known.add(id);
    const created = await upsertSchedules(definitions, config, enqueue, clock, 'later', this.known);
    if (created.length > 0) log.warn('schedules were gone and were made anew', { schedules: created });
    const revived = await reviveSchedules(definitions, config, enqueue, clock, this.farRuns);
    if (revived.length > 0) log.warn('schedules did not run and were made anew', { schedules: revived });
    const released = await this.delayed.release(definitions, enqueue);
    if (released.length > 0) log.warn('jobs waited for a time that did not come and run now', { jobs: released });
    for (const model of models.names) {
      const lastCycle = await this.checkCache(model);
      const broken = (await this.context.broken.tries(model))?.brokenSince != null;
      this.context.metrics.modelBroken.set({ model }, broken ? 1 : 0);
      if (broken || !(await this.isFree(model))) this.overdue.hold(model);
      else await this.checkOverdue(model, lastCycle);
    }
  }

  /**
   * A cache that was full and is empty is healed at once; and every daemon shows how fresh it is. Returns the last cycle that
   * ended, if anything is live.
   */
  private async checkCache(model: string): Promise<string | undefined> {
    const { enqueue, log, metrics } = this.context;
    const cache = this.context.cache(model);
    const [pointer, metadata] = await Promise.all([cache.pointer(), cache.metadata()]);
    if (metadata !== undefined) metrics.lastUpdated.set({ model }, Date.parse(metadata.last_updated) / 1_000);
    if (pointer !== undefined) {
      this.seenFull.add(model);
    } else if (this.seenFull.delete(model)) {
      log.warn('the cache is empty: healing', { model });
      await enqueue.add('warm', { model, trigger: 'heal' }, { key: `heal-${model}`, ifRunning: 'follow' });
    }
    return pointer === undefined ? undefined : metadata?.cycle;
  }

  /** Whether a cycle of the model could begin now. */
  private async isFree(model: string): Promise<boolean> {
    const { cycles, enqueue, paused } = this.context;
    if ((await paused.since(model)) !== undefined) return false;
    const held = await heldModel(cycles, enqueue, model);
    return held === undefined || held.lost;
  }

  private async checkOverdue(name: string, lastCycle: string | undefined): Promise<void> {
    const { enqueue, log, models } = this.context;
    const { everyMs } = models.configured(name);
    if (!this.overdue.isOverdue({ name, everyMs }, lastCycle)) return;
    log.warn('no cycle has ended for too long: one is asked for', { model: name, last: lastCycle ?? null });
    await enqueue.add('warm', { model: name, trigger: 'schedule' }, { key: `overdue-${name}`, ifRunning: 'share' });
  }
}

/** A cron expression that fires about every `ms`: whole seconds below a minute, whole minutes from there. */
export function cronEvery(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return `0 */${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
