import type { ModelCache } from '#shared/cache/model-cache';
import type { LivePointer } from '#shared/cache/pointer';
import { errorFacts, type Logger } from '#shared/logger';
import type { ModelSpec } from '#shared/model/spec';
import type { GenerationRecord } from '#shared/store/generation-store';
import type { JobContext } from '../context';
import { tellDropped } from './pass-gates';

/** The generation that was live last according to Postgres, for a cache that has lost its pointer. */
export async function lastPublished(context: JobContext, spec: ModelSpec): Promise<string | null> {
  const known = await context.generations.list(spec.name).catch(() => []);
  const others = known.filter((generation) => generation.id !== spec.generation);
  const last = others.find(({ state }) => state === 'live') ?? others.find(({ state }) => state === 'previous');
  return last?.id ?? null;
}

/**
 * Makes the record of generations agree with the pointer, and drops those that are neither live, nor the one before, nor
 * being warmed: from the cache by their index, then from Postgres. Safe to repeat: what could not be dropped because
 * Postgres was away is dropped after a later cycle.
 * @param replaced what was the one before until this cycle: when Postgres was away for long, it has never heard of it
 */
export async function retireGenerations(
  context: JobContext,
  cache: ModelCache,
  live: LivePointer,
  warming: string,
  replaced: string | null,
  log: Logger,
): Promise<void> {
  const { generations } = context;
  const { model } = cache;
  try {
    const restoring = (await cache.restoring())?.generation;
    const { keepGenerations } = context.models.configured(model);
    const kept = [live.generation, live.previous, warming, restoring];
    // Where no more are kept Postgres need not be asked, which may be away.
    if (keepGenerations === 2 && replaced !== null && !kept.includes(replaced))
      await drop(context, cache, replaced, log);
    const known = await generations.list(model);
    kept.push(...olderKept(known, live, keepGenerations));
    if (agrees(known, live, kept)) return;
    const { generation, previous, publishedAt, pinnedOver = null } = live;
    await generations.published(model, generation, previous, new Date(publishedAt), pinnedOver);
    for (const { id, refusal } of known.filter((generation) => !kept.includes(generation.id))) {
      await drop(context, cache, id, log);
      if (refusal !== null) await tellDropped(context, model, id, log);
    }
  } catch (error) {
    const where = 'old generations could not be retired; the next cycle tries again';
    context.errors.report(where, error, errorFacts(error), { log });
  }
}

/** Those before the live one and the one before that are kept as well, the last ones that were live first. */
function olderKept(known: readonly GenerationRecord[], live: LivePointer, keep: number): string[] {
  const others = known.filter(
    ({ id, publishedAt }) => publishedAt !== null && id !== live.generation && id !== live.previous,
  );
  const newest = others.sort((a, b) => (b.publishedAt?.getTime() ?? 0) - (a.publishedAt?.getTime() ?? 0));
  return newest.slice(0, Math.max(0, keep - 2)).map(({ id }) => id);
}

async function drop(context: JobContext, cache: ModelCache, id: string, log: Logger): Promise<void> {
  const { generations, rows } = context;
  const dropped = await cache.dropGeneration(id);
  log.info('generation dropped', { generation: id, rows: dropped });
  await rows.removeGeneration(cache.model, id);
  await generations.dropped(cache.model, id);
}

function agrees(
  known: readonly GenerationRecord[],
  live: LivePointer,
  kept: readonly (string | null | undefined)[],
): boolean {
  const states = new Map(known.map(({ id, state }) => [id, state]));
  if (states.get(live.generation) !== 'live') return false;
  if (live.previous !== null && states.has(live.previous) && states.get(live.previous) !== 'previous') return false;
  return known.every(({ id }) => kept.includes(id));
}
