import cron, { type ScheduledTask } from 'node-cron';
import type { JobContext } from '#jobs/context';
import { startOfCycle } from '#jobs/cycle/cycle-id';
import type { Registry } from '#jobs/registry';
import { restartSchedule, upsertSchedules } from '#jobs/schedule';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';

/** Periods without a published cycle after which a schedule is taken for dead. */
const DEAD_AFTER_PERIODS = 3;

/**
 * Looks after the schedules from outside the queue: a Redis that comes back empty has lost them without an error, and a
 * schedule can be there and not run.
 */
export class Watchdog implements Service {
  readonly name = 'watchdog';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly errors: RepeatedErrors;
  private readonly startedAtMs: number;
  /** When each model's schedule was last restarted, in milliseconds since 1970 UTC. */
  private readonly restartedAtMs = new Map<string, number>();
  /** Models whose cache was seen full: only what was there can have been lost. */
  private readonly warmedOnce = new Set<string>();
  private task: ScheduledTask | undefined;

  constructor(registry: Registry, context: JobContext, errors: RepeatedErrors) {
    this.registry = registry;
    this.context = context;
    this.errors = errors;
    this.startedAtMs = context.clock.now();
  }

  async start(): Promise<void> {
    const report = (error: unknown): void => this.errors.report('watchdog', error);
    const silent = (): void => undefined;
    cron.setLogger({ info: silent, debug: silent, warn: report, error: report });
    const expression = cronEvery(this.context.config.watchdog.everyMs);
    this.task = cron.schedule(expression, () => this.check().catch(report), {
      name: 'watchdog',
      timezone: 'UTC',
      noOverlap: true,
    });
  }

  async stop(): Promise<void> {
    await this.task?.destroy();
    this.task = undefined;
  }

  /** One look; also what tests call. */
  async check(): Promise<void> {
    const { config, enqueue, clock, log, models } = this.context;
    const created = await upsertSchedules(this.registry.definitions, config, enqueue, clock, 'later');
    if (created.length > 0) log.warn('schedules were gone and were made anew', { schedules: created });
    for (const model of models.names) await this.checkModel(model);
  }

  private async checkModel(model: string): Promise<void> {
    const { cycles, enqueue, log } = this.context;
    const cache = this.context.cache(model);
    const [pointer, metadata, holder] = await Promise.all([cache.pointer(), cache.metadata(), cycles.holder(model)]);
    const runs = holder !== undefined && (await enqueue.isPending('publish', holder));
    if (runs) return;
    if (pointer === undefined && metadata === undefined && this.warmedOnce.has(model)) {
      log.warn('the cache is empty: healing', { model });
      this.warmedOnce.delete(model);
      await enqueue.add('warm', { model, trigger: 'heal' }, `heal-${model}`);
    }
    if (pointer !== undefined) this.warmedOnce.add(model);
    await this.reviveSchedule(model, metadata === undefined ? this.startedAtMs : startOfCycle(metadata.cycle));
  }

  private async reviveSchedule(model: string, lastCycleAtMs: number): Promise<void> {
    const { config, enqueue, clock, log, models } = this.context;
    const periodMs = models.configured(model).everyMs;
    const last = Math.max(lastCycleAtMs || 0, this.startedAtMs, this.restartedAtMs.get(model) ?? 0);
    const silentMs = clock.now() - last;
    if (silentMs < DEAD_AFTER_PERIODS * periodMs) return;
    this.restartedAtMs.set(model, clock.now());
    log.warn('no cycle for a long time: restarting the schedule', { model, silentMs, periodMs });
    await restartSchedule(this.registry.definitions, config, enqueue, `warm-${model}`);
  }
}

/** A cron expression that fires about every `ms`: whole seconds below a minute, whole minutes from there. */
export function cronEvery(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return `0 */${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
