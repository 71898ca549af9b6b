import type { ModelCache } from '#shared/cache/model-cache';
import type { LivePointer, Metadata } from '#shared/cache/pointer';
import { approximateBytes } from '#shared/config/bytes';
import { evicts, mayEvict } from '#shared/connections/redis-state';
import type { JobContext } from '../context';
import { categoriesHash } from './categories-hash';
import type { CyclePayload } from './payloads';
import type { SettledCycle } from './settle-cycle';

/** What the cache has of the live generation when a cycle ends. */
export interface Presence {
  readonly rows: number;
  readonly expected: number;
  /** Rows that are not there because they could not be computed. */
  readonly failed: number;
  /** Rows that are not there though this cycle saw to them. */
  readonly gone: number;
}

/**
 * Counts the rows of the live generation. The index cannot tell: it keeps the categories of rows that were evicted.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function presenceOf(
  context: JobContext,
  cache: ModelCache,
  payload: CyclePayload,
  settled: SettledCycle,
  live: LivePointer,
  known: Metadata | undefined,
): Promise<Presence> {
  const { categories } = context.models.configured(payload.model);
  const ours = live.generation === payload.generation;
  if (payload.whole !== null && payload.whole !== categoriesHash(categories)) {
    // The cycle was planned for other categories than this daemon has: only the index knows which.
    const rows = await cache.indexSize(live.generation);
    const expected = payload.batchSizes.reduce((total, size) => total + size, 0);
    return { rows, expected: ours ? expected : rows, failed: ours ? settled.failed : 0, gone: 0 };
  }
  if (ours && payload.whole !== null && settled.everyRow && (await keepsAll(context, cache, live, categories.length))) {
    return { rows: categories.length, expected: categories.length, failed: 0, gone: 0 };
  }
  const missing = await cache.missing(live.generation, categories);
  const counts = { rows: categories.length - missing.length, expected: categories.length };
  if (!ours || !sawToMissing(payload)) {
    const before = known?.generation === live.generation ? known.failed : 0;
    return { ...counts, failed: Math.min(before, missing.length), gone: 0 };
  }
  const failedOnes = new Set(settled.batches.flatMap(({ failedCategories }) => failedCategories));
  const failed = missing.filter((category) => failedOnes.has(category)).length;
  return { ...counts, failed, gone: settled.state === 'failed' ? 0 : missing.length - failed };
}

/**
 * Whether rows that were all written a moment ago need not be looked for: the server throws nothing away, and has not lost the
 * index since. A large grid takes a while to count.
 */
async function keepsAll(context: JobContext, cache: ModelCache, live: LivePointer, rows: number): Promise<boolean> {
  const state = await context.cacheState().catch(() => undefined);
  if (state === undefined || mayEvict(state)) return false;
  return (await cache.indexSize(live.generation)) >= rows;
}

/** Whether the cycle was over every row, or over all that were missing. */
function sawToMissing({ whole, trigger }: CyclePayload): boolean {
  return whole !== null || trigger === 'heal';
}

/** Why rows that were written are not there any more, as far as the server tells. */
export async function whyGone(context: JobContext, gone: number): Promise<string> {
  const rows = gone === 1 ? '1 row was' : `${gone} rows were`;
  const what = `${rows} gone from the cache when the cycle ended`;
  const state = await context.cacheState().catch(() => undefined);
  if (state === undefined || !evicts(state)) return what;
  const { usedBytes, maxBytes } = state;
  return `${what}: it evicts, with ${approximateBytes(usedBytes)} of its maxmemory of ${approximateBytes(maxBytes)} in use`;
}
