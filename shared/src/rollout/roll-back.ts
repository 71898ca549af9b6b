import type { ModelCache } from '../cache/model-cache';
import type { LivePointer, Metadata } from '../cache/pointer';
import { ForewarmError } from '../errors';
import type { GenerationStore, LiveRecord } from '../store/generation-store';
import { pairRows } from './compare-generations';

export interface RollBackRequest {
  /** The generation to go to; the one before the live one when absent. At least 4 of its digits are enough. */
  readonly to: string | undefined;
  /** Categories that need a row. */
  readonly categories: readonly string[];
  /** The generation of the model file, which stays away then; `undefined` where the file cannot be used. */
  readonly fileGeneration: string | undefined;
  readonly allowIncomplete: boolean;
}

export interface RollBack {
  readonly model: string;
  /** What is live now, and was until now. */
  readonly generation: string;
  readonly replaced: string;
  readonly modelVersion: string;
  /** Whether the model file stays away until somebody unpins, or until it changes. */
  readonly pinned: boolean;
  readonly rows: number;
  readonly missing: number;
  /** ISO 8601 UTC: of its oldest row. */
  readonly computedAt: string;
}

/** Somebody else may publish at the same moment; not over and over. */
const MAX_TRIES = 5;

/**
 * Makes another generation that is kept whole the live one: its rows are there, and only the pointer is written.
 * @throws ForewarmError FW_NOT_WARMED, FW_GENERATION_UNKNOWN, FW_GENERATION_INCOMPLETE, FW_REDIS_*, FW_POSTGRES_UNAVAILABLE
 */
export async function rollBack(
  cache: ModelCache,
  generations: GenerationStore,
  request: RollBackRequest,
  now: () => Date,
): Promise<RollBack> {
  const { model } = cache;
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const live = await cache.pointer();
    if (live === undefined) throw new ForewarmError('FW_NOT_WARMED', `nothing is published for model ${model}`);
    const target = await targetOf(generations, model, live, request.to);
    const found = await lookThrough(cache, target, request);
    const pointer = pointerTo(target, live, request.fileGeneration, now());
    const metadata = metadataOf(target, found, request, now());
    if (!(await cache.publish(pointer, metadata, live.generation))) continue;
    const at = new Date(pointer.publishedAt);
    // Postgres that is away by now is told by the next cycle.
    await generations
      .published(model, pointer.generation, pointer.previous, at, pointer.pinnedOver ?? null)
      .catch(() => undefined);
    return {
      ...{ model, generation: target.id, replaced: live.generation, modelVersion: target.modelVersion },
      pinned: pointer.pinnedOver !== undefined,
      ...{ rows: found.rows, missing: found.missing.length, computedAt: metadata.last_updated },
    };
  }
  const why = `${cache.keys.live} was changed by others each time`;
  throw new ForewarmError('FW_REDIS_WRITE_FAILED', why);
}

async function targetOf(
  generations: GenerationStore,
  model: string,
  live: LivePointer,
  to: string | undefined,
): Promise<LiveRecord> {
  if (to === undefined && live.previous === null) {
    throw new ForewarmError('FW_GENERATION_UNKNOWN', `no generation of ${model} was live before ${live.generation}`);
  }
  const id = to === undefined ? live.previous : await findGeneration(generations, model, to);
  if (id === live.generation)
    throw new ForewarmError('FW_GENERATION_LIVE', `generation ${id} of ${model} is live already`);
  const record = id === null ? undefined : await generations.find(model, id);
  if (record !== undefined) return record;
  throw new ForewarmError('FW_GENERATION_UNKNOWN', `nothing is kept of generation ${id} of ${model}`);
}

/**
 * The generation whose id begins like this.
 * @throws ForewarmError FW_GENERATION_UNKNOWN, naming those that there are
 */
export async function findGeneration(generations: GenerationStore, model: string, start: string): Promise<string> {
  const known = (await generations.list(model)).map(({ id }) => id);
  const [found, ...others] = known.filter((id) => id.startsWith(start));
  if (found !== undefined && others.length === 0) return found;
  const what =
    found === undefined ? `no generation of ${model} begins with ${start}` : `${start} is the beginning of several`;
  throw new ForewarmError('FW_GENERATION_UNKNOWN', `${what}; there are ${known.join(', ') || 'none'}`);
}

interface Found {
  readonly rows: number;
  readonly missing: readonly string[];
  readonly oldestMs: number | undefined;
}

/** Every row is read and checked: what is about to be served must be there. */
async function lookThrough(cache: ModelCache, target: LiveRecord, request: RollBackRequest): Promise<Found> {
  const generation = { generation: target.id, axes: target.axes, outputs: target.outputs };
  const missing: string[] = [];
  let rows = 0;
  let oldestMs: number | undefined;
  for await (const pairs of pairRows(cache, request.categories, generation, undefined)) {
    for (const { category, row } of pairs) {
      if (row === undefined) missing.push(category);
      else {
        rows += 1;
        oldestMs = Math.min(oldestMs ?? row.computedAtMs, row.computedAtMs);
      }
    }
  }
  if (missing.length === 0 || (request.allowIncomplete && rows > 0)) return { rows, missing, oldestMs };
  const some = `${missing.length} of ${request.categories.length} rows, such as that of ${JSON.stringify(missing[0])}`;
  throw new ForewarmError('FW_GENERATION_INCOMPLETE', `generation ${target.id} of ${cache.model} lacks ${some}`);
}

function pointerTo(
  { id, modelVersion, axes, outputs }: LiveRecord,
  live: LivePointer,
  fileGeneration: string | undefined,
  now: Date,
): LivePointer {
  // Where the file cannot be used, it is that of what is live, or of what is pinned over.
  const pinOver = fileGeneration ?? live.pinnedOver ?? live.generation;
  return {
    format: 1,
    ...{ generation: id, previous: live.generation, publishedAt: now.toISOString(), modelVersion },
    axes: axes.map(({ name, values }) => ({ name, values: [...values] })),
    outputs: [...outputs],
    ...(pinOver === id ? {} : { pinnedOver: pinOver }),
  };
}

/** The rows are as old as they are. */
function metadataOf({ id }: LiveRecord, found: Found, { categories }: RollBackRequest, now: Date): Metadata {
  return {
    last_updated: new Date(found.oldestMs ?? now.getTime()).toISOString(),
    generation: id,
    cycle: `rollback-${id}`,
    ...{ rows: found.rows, expected: categories.length, failed: 0, duration_s: 0 },
    state: found.missing.length === 0 ? 'complete' : 'degraded',
  };
}
