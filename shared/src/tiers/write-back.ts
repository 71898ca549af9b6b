import { asForewarmError, ForewarmError } from '../errors';
import type { TierName } from './answers';
import type { GuardedTier } from './live-views';
import type { CorruptRow, FoundRow, LiveGeneration } from './tier';
import { TimeLimit } from './time-limit';

/** Writes of one tier that may be under way: with more it does not keep up, and the daemon heals what is left. */
const MAX_UNDER_WAY = 8;
const LIMIT_MS = 2_000;

/** Takes rows up to the tiers above the one that had them, beside the answers. */
export class WriteBack {
  private readonly onError: (error: Error, tier: TierName) => void;
  private readonly limit = new TimeLimit(LIMIT_MS);
  private readonly underWay = new Map<TierName, Set<Promise<void>>>();
  rows = 0;

  constructor(onError: (error: Error, tier: TierName) => void) {
    this.onError = onError;
  }

  fill(
    { tier, budget }: GuardedTier,
    live: LiveGeneration,
    rows: readonly FoundRow[],
    corrupt: readonly CorruptRow[],
  ): void {
    const fills = this.underWay.get(tier.name) ?? new Set();
    this.underWay.set(tier.name, fills);
    if (rows.length === 0 || tier.fill === undefined || budget.resting || fills.size >= MAX_UNDER_WAY) return;
    const late = (): Error => new ForewarmError('FW_TIER_TIME_LIMIT', `writing ${rows.length} rows back took too long`);
    const fill = this.limit.race(tier.fill(live, rows, corrupt), late).then(
      () => {
        this.rows += rows.length;
        fills.delete(fill);
      },
      (error: unknown) => {
        fills.delete(fill);
        this.onError(asForewarmError(error), tier.name);
      },
    );
    fills.add(fill);
  }

  /** Waits for what is under way, within its limit. */
  async close(): Promise<void> {
    await Promise.all([...this.underWay.values()].flatMap((fills) => [...fills]));
    this.limit.close();
  }
}
