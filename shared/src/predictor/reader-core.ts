import type { CacheEvent } from '../cache/events';
import { KeySpace } from '../cache/keys';
import type { Clock } from '../clock';
import { EventFeed } from './event-feed';
import type { HeldRows } from './held-rows';
import { LiveViews } from './live-views';
import { MissingReporter } from './missing-reporter';
import type { ModelView } from './model-view';
import { openTiers, type TierOptions } from './open-tiers';
import { ReadReport } from './read-report';
import type { ReaderStats } from './reader-stats';
import { TierChain } from './tier-chain';
import { WriteBack } from './write-back';

export interface CoreParts {
  readonly options: TierOptions & { readonly reportStats?: boolean | undefined };
  readonly clock: Clock;
  readonly memory: HeldRows | undefined;
  /** The views that exist, by model. */
  readonly views: ReadonlyMap<string, ModelView>;
}

/** What a predictor has when its tiers are open. */
export interface ReaderCore {
  readonly lives: LiveViews;
  readonly chain: TierChain;
  /** Begins to hear of changes of a model. */
  listen(model: string): void;
  /** What guards the tiers below the memory. */
  readonly breakers: (model: string) => ReaderStats['breakers'];
  /** Rows that were written back. */
  readonly writtenBack: () => number;
  close(): Promise<void>;
}

/** Opens the tiers and puts together what reads from them. Code that only some tiers need is loaded here. */
export async function openCore({ options, clock, memory, views }: CoreParts): Promise<ReaderCore> {
  const opened = await openTiers(options);
  const onRedisError = (error: Error): void => options.onError(error, 'redis');
  const lives = new LiveViews(opened.tiers, clock);
  const back = options.writeBack ? new WriteBack(options.onError) : undefined;
  const reporter = opened.redis && new MissingReporter(opened.redis.client, opened.redis.budget, onRedisError);
  const feed = opened.redis && new EventFeed(opened.redis.client, onRedisError);
  const report =
    opened.redis &&
    options.reportStats &&
    new ReadReport(opened.redis, options.keyPrefix, () => views.values(), onRedisError);
  const chain = new TierChain({
    tiers: opened.tiers,
    writeBack: back,
    reporter,
    hold: (live, found, warmed) => memory?.hold(live, found, warmed),
  });
  return {
    lives,
    chain,
    listen: (model) => {
      const channel = new KeySpace(options.keyPrefix, model).events;
      feed?.listen(channel, (event) => follow(event, model));
    },
    breakers: (model) =>
      opened.tiers.map(({ tier, budgetOf }) => ({ model, tier: tier.name, resting: budgetOf(model).resting })),
    writtenBack: () => back?.rows ?? 0,
    close: async () => {
      feed?.close();
      await (report || undefined)?.close();
      await reporter?.close();
      await back?.close();
      await opened.close();
    },
  };

  function follow(event: CacheEvent, model: string): void {
    const view = views.get(model);
    if (view === undefined) return;
    if (event.type === 'published') lives.lookAgain(view).catch(() => undefined);
    if (event.type !== 'rows') return;
    view.changes++;
    memory?.drop(model, event.generation, event.categories);
  }
}
