import cron, { type ScheduledTask } from 'node-cron';
import type { JobContext } from '#jobs/context';
import type { Registry } from '#jobs/registry';
import { reviveSchedules, upsertSchedules } from '#jobs/schedule';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';

/**
 * Looks after the schedules from outside the queue, in each daemon: a Redis that comes back empty has lost them without an
 * error, and a schedule can be there and not run.
 */
export class Watchdog implements Service {
  readonly name = 'watchdog';
  private readonly registry: Registry;
  private readonly context: JobContext;
  private readonly errors: RepeatedErrors;
  /** Models whose cache was seen full: only what was there can have been lost. */
  private readonly seenFull = new Set<string>();
  private task: ScheduledTask | undefined;

  constructor(registry: Registry, context: JobContext, errors: RepeatedErrors) {
    this.registry = registry;
    this.context = context;
    this.errors = errors;
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

  private async check(): Promise<void> {
    const { config, enqueue, clock, log, models } = this.context;
    const { definitions } = this.registry;
    const created = await upsertSchedules(definitions, config, enqueue, clock, 'later');
    if (created.length > 0) log.warn('schedules were gone and were made anew', { schedules: created });
    const revived = await reviveSchedules(definitions, config, enqueue, clock);
    if (revived.length > 0) log.warn('schedules did not run and were made anew', { schedules: revived });
    for (const model of models.names) await this.checkCache(model);
  }

  /** A cache that was full and is empty is healed at once; and every daemon shows how fresh it is. */
  private async checkCache(model: string): Promise<void> {
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
  }
}

/** A cron expression that fires about every `ms`: whole seconds below a minute, whole minutes from there. */
export function cronEvery(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return `0 */${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
