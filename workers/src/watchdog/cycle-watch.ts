import type { JobContext } from '#jobs/context';
import { heldModel } from '#jobs/cycle/held-model';
import { OverdueModels } from '#jobs/cycle/overdue-models';
import { steadyClock } from '#shared/clock';
import { lookEveryMs, type Watched } from './watchdog';

/** Looks whether cycles come to an end, whatever the schedules look like, and which models are left alone as broken. */
export class CycleWatch implements Watched {
  readonly name = 'the cycles';
  private readonly context: JobContext;
  private readonly overdue: OverdueModels;

  constructor(context: JobContext) {
    this.context = context;
    this.overdue = new OverdueModels(steadyClock, lookEveryMs(context.config));
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async look(): Promise<void> {
    for (const model of this.context.models.names) await this.lookAt(model);
  }

  private async lookAt(name: string): Promise<void> {
    const { broken, enqueue, log, metrics, models } = this.context;
    const isBroken = await broken.isBroken(name);
    metrics.modelBroken.set({ model: name }, isBroken ? 1 : 0);
    if (isBroken || !(await this.isFree(name))) return this.overdue.hold(name);
    const last = await this.lastCycle(name);
    if (!this.overdue.isOverdue({ name, everyMs: models.configured(name).everyMs }, last)) return;
    log.warn('no cycle has ended for too long: one is asked for', { model: name, last: last ?? null });
    await enqueue.add('warm', { model: name, trigger: 'schedule' }, { key: `overdue-${name}`, ifRunning: 'share' });
  }

  /** Whether a cycle of the model could begin now. */
  private async isFree(model: string): Promise<boolean> {
    const { cache, cycles, enqueue, paused } = this.context;
    if ((await paused.since(model)) !== undefined) return false;
    if ((await cache(model).pointer())?.pinnedOver !== undefined) return false;
    const held = await heldModel(cycles, enqueue, model);
    return held === undefined || held.lost;
  }

  /** The last one that ended; `undefined` while nothing is live. */
  private async lastCycle(model: string): Promise<string | undefined> {
    const cache = this.context.cache(model);
    const [pointer, metadata] = await Promise.all([cache.pointer(), cache.metadata()]);
    return pointer === undefined ? undefined : metadata?.cycle;
  }
}
