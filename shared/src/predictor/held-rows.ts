import type { Clock } from '../clock';
import { type HeldRow, MemoryTier } from '../tiers/memory-tier';
import type { FoundRow, LiveGeneration } from '../tiers/tier';
import { LOOK_MAX_MS } from './live-views';
import type { ModelView } from './model-view';
import type { MemoryOptions } from './predictor-options';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_AGE_MS = 10_000;
/** Of what the memory may hold, the part for rows that were only asked for. */
const STRANGERS_PART = 1 / 8;

/** Rows in memory: those that are warmed, and apart from them those that were only asked for, so that no flood of strange names
 * washes out what is used. */
export class HeldRows {
  private readonly warmed: MemoryTier;
  private readonly strangers: MemoryTier;
  private readonly maxAgeMs: number;
  private readonly clock: Clock;

  constructor({ maxBytes = MAX_BYTES, maxAgeMs = MAX_AGE_MS }: MemoryOptions, clock: Clock) {
    this.maxAgeMs = maxAgeMs;
    this.clock = clock;
    this.warmed = new MemoryTier(maxBytes * (1 - STRANGERS_PART), () => clock.now());
    this.strangers = new MemoryTier(maxBytes * STRANGERS_PART, () => clock.now());
  }

  get size(): { readonly rows: number; readonly bytes: number } {
    const [a, b] = [this.warmed.size, this.strangers.size];
    return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
  }

  /** A row that may be answered without a look at the tiers below. */
  fresh(view: ModelView, category: string, nowMs: number): HeldRow | undefined {
    const sinceLook = nowMs - view.askedAtMs;
    // A clock that was set back makes an age of less than nothing.
    if (!(sinceLook >= 0 && sinceLook < LOOK_MAX_MS)) return undefined;
    const held = this.any(view, category);
    if (held === undefined) return undefined;
    const age = nowMs - held.heldAtMs;
    return age >= 0 && age < this.maxAgeMs ? held : undefined;
  }

  /** A row of what is live, however long it has been held. */
  any(view: ModelView, category: string): HeldRow | undefined {
    const { live } = view;
    if (live === undefined) return undefined;
    view.shelf ??= this.warmed.shelf(live);
    const held = view.shelf.rows.get(category);
    if (held !== undefined) return held;
    view.strangers ??= this.strangers.shelf(live);
    return view.strangers.rows.get(category);
  }

  hold(live: LiveGeneration, { category, row }: FoundRow, warmed: boolean): void {
    (warmed ? this.warmed : this.strangers).hold(live, category, row, this.clock.now() - this.maxAgeMs);
  }

  drop(model: string, generation: string, categories: readonly string[]): void {
    this.warmed.drop(model, generation, categories);
    this.strangers.drop(model, generation, categories);
  }

  async close(): Promise<void> {
    await Promise.all([this.warmed.close(), this.strangers.close()]);
  }
}
