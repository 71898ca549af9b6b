import type { JobContext } from '#jobs/context';
import type { Observation } from '#shared/alerts/judge';
import type { LivePointer } from '#shared/cache/pointer';
import { formatElapsed } from '../../elapsed';
import type { CommonClock } from '../common-clock';
import { above, badIf, below, type Observer, observation, percent } from './observer';

/** Rows of the live generation as they were counted, rather than as the last cycle said; `undefined` where nobody counted. */
export type Counted = (model: string) => { readonly rows: number; readonly expected: number } | undefined;

/** A model whose period is longer than it takes to be stale has nobody woken before this many periods. */
const STALE_PERIODS = 2;

/** What the cache says of each model: whether there is anything, how old it is, how much of it. */
export class CacheObserver implements Observer {
  readonly name = 'the cache';
  private readonly context: JobContext;
  private readonly common: CommonClock;
  private readonly counted: Counted;

  constructor(context: JobContext, common: CommonClock, counted: Counted) {
    this.context = context;
    this.common = common;
    this.counted = counted;
  }

  async observe(): Promise<readonly Observation[]> {
    const found = await Promise.all(this.context.models.names.map((model) => this.ofModel(model)));
    return found.flat();
  }

  private async ofModel(model: string): Promise<readonly Observation[]> {
    const { config, cache: caches, models } = this.context;
    const cache = caches(model);
    const [pointer, metadata] = await Promise.all([cache.pointer(), cache.metadata()]);
    const counts = this.counted(model) ?? metadata;
    const none = pointer === undefined || counts?.rows === 0;
    const empty = observation({
      condition: 'cache-empty',
      model,
      level: badIf(none),
      message:
        pointer === undefined
          ? `nothing of ${model} is published in the cache: every read goes on to Postgres or the model`
          : `the cache has no row of ${model}: every read goes on to Postgres or the model`,
    });
    if (pointer === undefined || metadata === undefined || counts === undefined) return [empty];
    const { staleAfterMs, everyMs } = models.configured(model);
    const boundMs = Math.max(staleAfterMs, STALE_PERIODS * everyMs);
    const ageMs = this.common.now() - Date.parse(metadata.last_updated);
    const share = counts.expected === 0 ? 1 : counts.rows / counts.expected;
    const { minCoverage } = config.alerts;
    return [
      empty,
      observation({
        condition: 'stale',
        model,
        level: above(ageMs, boundMs),
        message: `${model} was last wholly up to date ${formatElapsed(ageMs)} ago, more than ${formatElapsed(boundMs)}${await this.heldBack(model, pointer)}`,
        facts: { lastUpdated: metadata.last_updated, ageMs: Math.round(ageMs), boundMs },
      }),
      observation({
        condition: 'coverage-low',
        model,
        level: below(share, minCoverage),
        message: `the cache has ${counts.rows} of ${counts.expected} rows of ${model} (${percent(share)}), less than ${percent(minCoverage)}`,
        facts: { rows: counts.rows, expected: counts.expected, share, bound: minCoverage },
      }),
    ];
  }

  /** Why nothing refreshes it, where somebody has asked for that. */
  private async heldBack(model: string, { pinnedOver }: LivePointer): Promise<string> {
    if (pinnedOver !== undefined) return '; it is pinned';
    const pausedSince = await this.context.paused.since(model).catch(() => undefined);
    return pausedSince === undefined ? '' : '; it is paused';
  }
}
