/** What a look at the cache found. */
export interface Finding {
  /** Rows of the live generation that are not there and could be. */
  readonly lacking: number;
  /** The cycle that ended last. */
  readonly cycle: string | undefined;
  readonly nowMs: number;
}

/**
 * - `whole`: nothing to do
 * - `heal`: ask for a heal
 * - `wait`: one was asked for, or a moment ago
 * - `futile`: heals ended and rows are missing all the same; said once, then it is
 * - `left`: to the cycles of the schedule
 * - `recovered`: rows that were left have been there for long enough to be healed again when some go
 */
export type Verdict = 'whole' | 'heal' | 'wait' | 'futile' | 'left' | 'recovered';

/** Between two heals of one model at most this, and no more than its period. */
const GAP_MAX_MS = 60_000;
/** A heal that has not ended by then is taken for lost. */
const PATIENCE_MS = 60_000;
/** Heals in a row that did not bring all rows back; after one of them it may have been chance. */
const FUTILE_HEALS = 2;
/** For so many periods, but not longer than this, rows must have stayed to be trusted to stay. */
const STAY_PERIODS = 2;
const STAY_MAX_MS = 10 * 60_000;

/**
 * When rows that went from the cache are healed: at once, unless healing does not help. A cache that cannot hold every row
 * throws others away for each one that is brought back: it is left to the period of the model, or it would never come to rest.
 * Pure; one per model.
 */
export class HealPolicy {
  /** How far apart heals are at least. */
  readonly gapMs: number;
  /** Whether heals bring rows back, as far as is known. */
  helps = true;
  private readonly stayMs: number;
  private asked: { readonly cycle: string | undefined; readonly atMs: number } | undefined;
  private futile = 0;
  private restUntilMs = Number.NEGATIVE_INFINITY;
  private wholeSinceMs: number | undefined;

  constructor(periodMs: number) {
    this.gapMs = Math.min(periodMs, GAP_MAX_MS);
    this.stayMs = Math.min(STAY_PERIODS * periodMs, STAY_MAX_MS);
  }

  judge({ lacking, cycle, nowMs }: Finding): Verdict {
    if (lacking <= 0) return this.whole(nowMs);
    this.wholeSinceMs = undefined;
    if (!this.helps) return 'left';
    if (this.asked !== undefined) {
      if (this.asked.cycle === cycle && nowMs - this.asked.atMs < PATIENCE_MS) return 'wait';
      this.asked = undefined;
      this.futile++;
      this.helps = this.futile < FUTILE_HEALS;
      if (!this.helps) return 'futile';
    }
    if (!this.mayHeal(nowMs)) return 'wait';
    this.asked = { cycle, atMs: nowMs };
    return 'heal';
  }

  /** Whether the last heal is long enough ago; if so, this one counts. */
  mayHeal(nowMs: number): boolean {
    if (nowMs < this.restUntilMs) return false;
    this.restUntilMs = nowMs + this.gapMs;
    return true;
  }

  private whole(nowMs: number): Verdict {
    this.asked = undefined;
    this.futile = 0;
    if (this.helps) return 'whole';
    this.wholeSinceMs ??= nowMs;
    if (nowMs - this.wholeSinceMs < this.stayMs) return 'left';
    this.helps = true;
    return 'recovered';
  }
}
