import type { Clock } from '#shared/clock';

/** Periods without the end of a cycle after which one is asked for. */
const LATE_PERIODS = 3;
/** While nothing is live, the first time after this; then after twice as long, and so on up to the period. */
const FIRST_MS = 10_000;

interface Watch {
  /** The last cycle that ended; `undefined` while nothing is live. */
  readonly last: string | undefined;
  lookedAtMs: number;
  /** Since that cycle was first seen, or the last time one was asked for. */
  waitedMs: number;
  patienceMs: number;
}

/**
 * Compares the last cycle that ended with the model's period, whatever its schedule looks like: a cycle that was lost, or a
 * first one that failed, must not leave a model waiting for the next tick of a long period.
 */
export class OverdueModels {
  private readonly clock: Clock;
  private readonly longestLookMs: number;
  private readonly watches = new Map<string, Watch>();

  /**
   * @param clock for durations: one that is not set back
   * @param lookMs time between two looks. What is longer was slept, and does not count: nobody worked in it
   */
  constructor(clock: Clock, lookMs: number) {
    this.clock = clock;
    this.longestLookMs = 2 * lookMs;
  }

  /**
   * One look at a model that is free to begin a cycle. Returns whether one should be asked for.
   * @param lastCycle id of the last cycle that ended; `undefined` while nothing is live
   */
  isOverdue(model: { readonly name: string; readonly everyMs: number }, lastCycle: string | undefined): boolean {
    const now = this.clock.now();
    const watch = this.watches.get(model.name);
    if (watch === undefined || watch.last !== lastCycle) {
      const patienceMs = lastCycle === undefined ? Math.min(FIRST_MS, model.everyMs) : LATE_PERIODS * model.everyMs;
      this.watches.set(model.name, { last: lastCycle, lookedAtMs: now, waitedMs: 0, patienceMs });
      return false;
    }
    watch.waitedMs += Math.min(now - watch.lookedAtMs, this.longestLookMs);
    watch.lookedAtMs = now;
    if (watch.waitedMs < watch.patienceMs) return false;
    watch.waitedMs = 0;
    if (lastCycle === undefined) watch.patienceMs = Math.min(2 * watch.patienceMs, model.everyMs);
    return true;
  }

  /** The model is busy, paused or broken: time does not run. */
  hold(model: string): void {
    const watch = this.watches.get(model);
    if (watch !== undefined) watch.lookedAtMs = this.clock.now();
  }
}
