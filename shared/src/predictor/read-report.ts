import { KeySpace } from '../cache/keys';
import { execChecked, type RedisClient } from '../connections/redis';
import { TIERS, type TierName } from '../tiers/tier-name';
import type { ModelView } from './model-view';
import { READ_OUTCOMES, type TierStats } from './reader-stats';
import type { TierBudget } from './tier-budget';

/** Counts that are reported of each tier: what became of reads, and how many answers were stale. */
const REPORTED = [...READ_OUTCOMES, 'stale'] as const;

const EVERY_MS = 10_000;

/**
 * Adds what a library has read to counts in Redis, which the daemon shows: an application that reads by library has no page of
 * its own. Of a report that fails nothing is lost, the next one has it.
 */
export class ReadReport {
  private readonly client: RedisClient;
  private readonly budget: TierBudget;
  private readonly keyPrefix: string;
  private readonly views: () => Iterable<ModelView>;
  private readonly onError: (error: Error) => void;
  /** What was reported of a model so far, by field. */
  private readonly told = new Map<string, Map<string, number>>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    { client, budget }: { readonly client: RedisClient; readonly budget: TierBudget },
    keyPrefix: string,
    views: () => Iterable<ModelView>,
    onError: (error: Error) => void,
  ) {
    this.client = client;
    this.budget = budget;
    this.keyPrefix = keyPrefix;
    this.views = views;
    this.onError = onError;
    this.timer = setInterval(() => void this.report(), EVERY_MS);
    // It is no reason for a process to live.
    this.timer.unref();
  }

  /** Reports once more. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.report();
  }

  private async report(): Promise<void> {
    try {
      for (const view of this.views()) await this.reportOne(view);
    } catch (error) {
      this.onError(error as Error);
    }
  }

  private async reportOne(view: ModelView): Promise<void> {
    const told = this.told.get(view.model) ?? new Map<string, number>();
    const now = fieldsOf(view.stats());
    const grown = [...now].filter(([field, count]) => count > (told.get(field) ?? 0));
    if (grown.length === 0) return;
    const key = new KeySpace(this.keyPrefix, view.model).reads;
    const commands = this.client.pipeline();
    for (const [field, count] of grown) commands.hincrby(key, field, count - (told.get(field) ?? 0));
    await this.budget.spare(() => execChecked(commands, `reporting reads of ${view.model}`));
    this.told.set(view.model, now);
  }
}

/** `redis:hit` to its count. */
function fieldsOf(stats: Partial<Record<TierName, TierStats>>): Map<string, number> {
  const fields = new Map<string, number>();
  for (const tier of TIERS) {
    const counts = stats[tier];
    if (counts === undefined) continue;
    for (const what of REPORTED) if (counts[what] > 0) fields.set(`${tier}:${what}`, counts[what]);
  }
  return fields;
}
