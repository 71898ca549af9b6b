import type { Metadata } from '../cache/pointer';
import { ForewarmError } from '../errors';
import type { Shelf } from '../tiers/memory-tier';
import type { LiveGeneration } from '../tiers/tier';
import { TIERS, type TierName } from '../tiers/tier-name';
import type { TierStats } from './reader-stats';
import type { RowFlight } from './row-flight';
import { TierCounts } from './tier-counts';
import type { ViewSettings } from './view-settings';

/** What a reader knows of one model. */
export class ModelView {
  readonly model: string;
  readonly settings: ViewSettings;
  readonly counts: Readonly<Record<TierName, TierCounts>>;
  live: LiveGeneration | undefined;
  /** Who said what is live. */
  source: Exclude<TierName, 'memory'> = 'redis';
  metadata: Metadata | undefined;
  /** When every row was last computed or verified, milliseconds since 1970 UTC; 0 when nobody has said so. */
  verifiedAtMs = 0;
  /** When it was last asked what is live, by the wall clock. */
  askedAtMs = Number.NEGATIVE_INFINITY;
  /** The asking that is under way. */
  look: Promise<void> | undefined;
  /** Rows of the live generation in memory: those that are warmed, and those that were only asked for. */
  shelf: Shelf | undefined;
  strangers: Shelf | undefined;
  /** Rows of the live generation that are on their way, by category. */
  flights = new Map<string, RowFlight>();
  /** Goes up when rows may have changed: what was on its way meanwhile is not held. */
  changes = 0;

  constructor(model: string, settings: ViewSettings) {
    this.model = model;
    this.settings = settings;
    this.counts = Object.fromEntries(TIERS.map((tier) => [tier, new TierCounts()])) as Record<TierName, TierCounts>;
  }

  /** @throws ForewarmError FW_NOT_WARMED */
  get known(): LiveGeneration {
    if (this.live !== undefined) return this.live;
    throw new ForewarmError('FW_NOT_WARMED', `nothing is known of the model ${this.model}`);
  }

  /** Follows what a tier says is live. */
  follow(live: LiveGeneration, source: Exclude<TierName, 'memory'>, metadata: Metadata | undefined): void {
    this.source = source;
    if (metadata !== this.metadata) {
      this.metadata = metadata;
      this.verifiedAtMs = metadata === undefined ? 0 : Date.parse(metadata.last_updated);
    }
    if (this.live === live) return;
    this.changes++;
    this.live = live;
    this.flights = new Map();
    this.shelf = undefined;
    this.strangers = undefined;
  }

  /** Counts of the tiers that were asked. */
  stats(): Partial<Record<TierName, TierStats>> {
    const asked = TIERS.filter((tier) => this.counts[tier].any);
    return Object.fromEntries(asked.map((tier) => [tier, this.counts[tier].stats()]));
  }
}
