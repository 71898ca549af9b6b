import { type CacheEvent, EVENT_MAX_CATEGORIES } from '../cache/events';
import { slices } from '../cache/slices';
import type { RedisClient } from '../connections/redis';
import type { LiveGeneration } from '../tiers/tier';
import type { ModelView } from './model-view';
import type { TierBudget } from './tier-budget';

/** What is missed within this time goes into one message. */
const GATHER_MS = 10;
/** The same row is not reported again for so long. */
const SILENT_MS = 1_000;
/** Rows that are remembered as reported; when there are more, all are forgotten. */
const MAX_REMEMBERED = 10_000;

/**
 * What the cache should have and has not is told to the daemon, which heals it. Categories that were never warmed are not: anybody
 * can ask for any text.
 */
export class MissingReporter {
  private readonly client: RedisClient;
  private readonly budget: TierBudget;
  private readonly onError: (error: Error) => void;
  private readonly waiting = new Map<ModelView, Set<string>>();
  private readonly reported = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(client: RedisClient, budget: TierBudget, onError: (error: Error) => void) {
    this.client = client;
    this.budget = budget;
    this.onError = onError;
  }

  report(view: ModelView, categories: readonly string[]): void {
    const waiting = this.waiting.get(view) ?? new Set();
    this.waiting.set(view, waiting);
    const nowMs = performance.now();
    for (const category of categories) {
      const name = `${view.model}:${view.live?.generation}:${category}`;
      if (nowMs - (this.reported.get(name) ?? Number.NEGATIVE_INFINITY) < SILENT_MS) continue;
      if (this.reported.size >= MAX_REMEMBERED) this.reported.clear();
      this.reported.set(name, nowMs);
      waiting.add(category);
    }
    if (waiting.size > 0) this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /**
   * Those of `categories` that the generation has, or should have, as far as can be told: an index with fewer entries than it
   * should have was evicted, or lost with all the rest, and cannot tell that there is no such category.
   * @throws ForewarmError when Redis cannot be asked
   */
  async expected(view: ModelView, live: LiveGeneration, categories: readonly string[]): Promise<string[]> {
    const { categories: configured } = view.settings;
    if (configured !== undefined) return categories.filter((category) => configured.has(category));
    const index = live.keys.index(live.generation);
    const [indexed, entries] = await this.budget.spare(() =>
      Promise.all([this.client.smismember(index, ...categories), this.client.scard(index)]),
    );
    const { metadata } = view;
    // A row that could not be computed after a loss is not in it either, and is no stranger's.
    const whole = entries > 0 && metadata !== undefined && entries >= metadata.expected;
    return whole ? categories.filter((_, i) => indexed[i] === 1) : [...categories];
  }

  /** Says what is still to be said. */
  async close(): Promise<void> {
    this.flush();
    await Promise.all(this.underWay);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [view, categories] of this.waiting) {
      const { live } = view;
      if (live === undefined) continue;
      for (const slice of slices([...categories], EVENT_MAX_CATEGORIES)) {
        const told = this.publish(view, live, slice)
          .catch((error: unknown) => this.onError(error as Error))
          .finally(() => this.underWay.delete(told));
        this.underWay.add(told);
      }
    }
    this.waiting.clear();
  }

  private async publish(view: ModelView, live: LiveGeneration, missed: readonly string[]): Promise<void> {
    const categories = await this.expected(view, live, missed);
    if (categories.length === 0) return;
    const event: CacheEvent = { type: 'missing', generation: live.generation, categories };
    await this.budget.spare(() => this.client.publish(live.keys.events, JSON.stringify(event)));
  }
}
