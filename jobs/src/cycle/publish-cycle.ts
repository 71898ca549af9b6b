import type { ModelCache } from '#shared/cache/model-cache';
import type { LivePointer, Metadata } from '#shared/cache/pointer';
import { errorFacts, type Logger } from '#shared/logger';
import type { ModelSpec } from '#shared/model/spec';
import type { JobContext } from '../context';
import type { CyclePayload } from './payloads';
import type { SettledCycle } from './settle-cycle';

export interface Published {
  /** The generation that readers follow now; absent when there is none yet. */
  readonly live: string | undefined;
  /** Whether this cycle made it so. */
  readonly flipped: boolean;
  /** Why the cycle's generation is not live, where it is not. */
  readonly withheld: string | null;
}

/**
 * Ends a cycle in the cache: brings the metadata up to date and, for a generation that is not live, flips the pointer when
 * every row is there. When nothing is live yet the first generation is published with what it has.
 */
export async function publishCycle(
  context: JobContext,
  payload: CyclePayload,
  settled: SettledCycle,
  log: Logger,
): Promise<Published> {
  const cache = context.cache(payload.model);
  const [live, known] = await Promise.all([cache.pointer(), cache.metadata()]);
  if (settled.state === 'failed') return { live: live?.generation, flipped: false, withheld: settled.reason };
  const now = new Date(context.clock.now());
  if (live?.generation === payload.generation) {
    await cache.writeMetadata(metadataFor(payload, settled, now, known, await cache.indexSize(payload.generation)));
    await dropUnwanted(context, cache, payload, log);
    return { live: live.generation, flipped: false, withheld: null };
  }
  const spec = await context.models.resolve(payload.model);
  const withheld = await reasonToWithhold(context, cache, spec, payload, live);
  if (withheld !== null) return { live: live?.generation, flipped: false, withheld };
  const pointer = pointerTo(spec, live, now);
  await cache.publish(pointer, metadataFor(payload, settled, now, undefined, await cache.indexSize(spec.generation)));
  log.info('generation published', { generation: spec.generation, previous: pointer.previous });
  await retire(context, cache, pointer, live, now, log);
  await dropUnwanted(context, cache, payload, log);
  return { live: spec.generation, flipped: true, withheld: null };
}

async function reasonToWithhold(
  context: JobContext,
  cache: ModelCache,
  spec: ModelSpec,
  payload: CyclePayload,
  live: LivePointer | undefined,
): Promise<string | null> {
  if (spec.generation !== payload.generation) return 'the model file changed while the cycle ran';
  if (live === undefined) return null;
  const missing = await cache.missing(spec.generation, context.models.configured(payload.model).categories);
  return missing.length === 0
    ? null
    : `${missing.length} rows of ${spec.generation} are missing, such as ${missing[0]}`;
}

function pointerTo(spec: ModelSpec, live: LivePointer | undefined, now: Date): LivePointer {
  return {
    format: 1,
    generation: spec.generation,
    previous: live?.generation ?? null,
    publishedAt: now.toISOString(),
    modelVersion: spec.modelVersion,
    axes: spec.axes.map(({ name, values }) => ({ name, values: [...values] })),
    outputs: [...spec.outputs],
  };
}

/**
 * `last_updated` moves only when every row of the model was seen to: computed, found valid, or restored from a copy of the
 * same identity, which is what computing it again would give.
 */
function metadataFor(
  payload: CyclePayload,
  settled: SettledCycle,
  now: Date,
  known: Metadata | undefined,
  rows: number,
): Metadata {
  const fresh = payload.whole && settled.everyRow;
  const sameGeneration = known?.generation === payload.generation ? known.last_updated : undefined;
  return {
    last_updated: fresh ? now.toISOString() : (sameGeneration ?? now.toISOString()),
    generation: payload.generation,
    cycle: payload.cycle,
    rows,
    expected: payload.whole ? sumOf(payload.batchSizes) : (known?.expected ?? rows),
    duration_s: (now.getTime() - payload.startedAtMs) / 1_000,
    state: settled.state,
  };
}

/** Deletes rows of categories that left the configuration, here and in Postgres. */
async function dropUnwanted(context: JobContext, cache: ModelCache, payload: CyclePayload, log: Logger): Promise<void> {
  if (!payload.whole) return;
  const { categories } = context.models.configured(payload.model);
  if ((await cache.indexSize(payload.generation)) <= categories.length) return;
  const dropped = await cache.dropUnwanted(payload.generation, new Set(categories));
  if (dropped.length === 0) return;
  log.info('rows of removed categories dropped', { rows: dropped.length });
  await context.rows.remove(payload.model, payload.generation, dropped).catch((error: unknown) => {
    log.warn('rows of removed categories stay in Postgres', errorFacts(error));
  });
}

/** Keeps the live generation and the one before it; drops what is older, by its index. */
async function retire(
  context: JobContext,
  cache: ModelCache,
  pointer: LivePointer,
  before: LivePointer | undefined,
  now: Date,
  log: Logger,
): Promise<void> {
  const { model } = cache;
  const kept = [pointer.generation, pointer.previous];
  const known = await context.generations.list(model).catch(() => []);
  const old = new Set([before?.previous, ...known.map((generation) => generation.id)]);
  for (const generation of old) {
    if (generation === undefined || generation === null || kept.includes(generation)) continue;
    const rows = await cache.dropGeneration(generation);
    await context.rows.removeGeneration(model, generation).catch((error: unknown) => {
      log.warn('an old generation stays in Postgres', { generation, ...errorFacts(error) });
    });
    log.info('generation dropped', { generation, rows });
  }
  await context.generations.published(model, pointer.generation, pointer.previous, now).catch((error: unknown) => {
    log.warn('the publishing could not be recorded', errorFacts(error));
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
