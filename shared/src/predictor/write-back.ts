import { asForewarmError, ForewarmError } from '../errors';
import type { CorruptRow, FoundRow, LiveGeneration } from '../tiers/tier';
import type { TierName } from '../tiers/tier-name';
import { within } from '../within';
import type { GuardedTier } from './guarded-tier';

/** Rows that may wait for one tier: it does not keep up with more, and the daemon heals what is left out. */
const MAX_WAITING = 2_000;
/** Rows written at once. */
const ROWS = 256;
const LIMIT_MS = 2_000;
/** How long a tier that refused rows is given none: who may only read is refused each time. */
const PAUSE_MS = 5_000;

/** Takes rows up to the tiers above the one that had them, beside the answers; to each tier one write at a time. */
export class WriteBack {
  private readonly onError: (error: Error, tier: TierName) => void;
  private readonly lanes = new Map<TierName, Lane>();
  /** Rows that were written. */
  rows = 0;

  constructor(onError: (error: Error, tier: TierName) => void) {
    this.onError = onError;
  }

  /** @param corrupt rows that any row may replace */
  fill(
    guarded: GuardedTier,
    live: LiveGeneration,
    rows: readonly FoundRow[],
    corrupt: readonly CorruptRow[] = [],
  ): void {
    const { tier, budgetOf } = guarded;
    if (rows.length === 0 || tier.fill === undefined || budgetOf(live.model).resting) return;
    const lane: Lane = this.lanes.get(tier.name) ?? { waiting: [], running: undefined, pausedUntilMs: 0 };
    this.lanes.set(tier.name, lane);
    if (performance.now() < lane.pausedUntilMs) return;
    const faulty = new Map(corrupt.map((row) => [row.category, row]));
    for (const row of rows.slice(0, MAX_WAITING - lane.waiting.length)) {
      lane.waiting.push({ live, row, corrupt: faulty.get(row.category) });
    }
    lane.running ??= this.run(guarded, lane).finally(() => {
      lane.running = undefined;
    });
  }

  /** Waits for what is still to be written, as far as that is done within the limit of one write, and for the last write. */
  async close(): Promise<void> {
    const lanes = [...this.lanes.values()];
    const written = Promise.all(lanes.map(({ running }) => running));
    if (!(await within(written, LIMIT_MS))) for (const { waiting } of lanes) waiting.length = 0;
    await written;
  }

  private async run({ tier, budgetOf }: GuardedTier, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const [{ live }] = lane.waiting as [Waiting, ...Waiting[]];
      const others = lane.waiting.findIndex((one) => one.live !== live);
      const taken = lane.waiting.splice(0, Math.min(ROWS, others < 0 ? lane.waiting.length : others));
      if (budgetOf(live.model).resting) continue;
      try {
        const corrupt = taken.flatMap((one) => one.corrupt ?? []);
        const filled = (tier.fill as NonNullable<typeof tier.fill>)(
          live,
          taken.map(({ row }) => row),
          corrupt,
        );
        if (!(await within(filled, LIMIT_MS)))
          throw new ForewarmError('FW_TIER_TIME_LIMIT', 'writing rows back took too long');
        await filled;
        this.rows += taken.length;
      } catch (error) {
        lane.waiting.length = 0;
        lane.pausedUntilMs = performance.now() + PAUSE_MS;
        this.onError(asForewarmError(error), tier.name);
      }
    }
  }
}

interface Lane {
  readonly waiting: Waiting[];
  running: Promise<void> | undefined;
  /** By the steady clock. */
  pausedUntilMs: number;
}

interface Waiting {
  readonly live: LiveGeneration;
  readonly row: FoundRow;
  readonly corrupt: CorruptRow | undefined;
}
