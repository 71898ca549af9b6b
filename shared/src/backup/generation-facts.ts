import type { Axis } from '../cache/grid';
import type { LivePointer } from '../cache/pointer';
import { ForewarmError } from '../errors';
import type { LiveRecord } from '../store/generation-store';
import type { Scope } from './documents';
import type { BackupStores } from './stores';

/** A generation with all that its rows need to be understood. */
export interface GenerationFacts {
  readonly model: string;
  readonly generation: string;
  /** 64 hexadecimal digits. */
  readonly identity: string;
  readonly modelVersion: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
  readonly scope: Scope;
  readonly publishedAt: string | null;
  /** When every row was last computed or verified; `null` when no store knows. */
  readonly lastUpdated: string | null;
}

/** Identities that are known without Postgres: those of the model files at hand, 64 hexadecimal digits. */
export type KnownIdentities = readonly string[];

/**
 * The generation that readers are given: what the cache says, or Postgres where the cache has lost it.
 * @throws ForewarmError FW_NOT_WARMED, FW_REDIS_UNAVAILABLE, FW_POSTGRES_UNAVAILABLE
 */
export async function liveFacts(stores: BackupStores, known: KnownIdentities): Promise<GenerationFacts> {
  const { cache, generations } = stores;
  const [pointer, metadata] = [await cache.pointer(), await cache.metadata()];
  if (pointer === undefined) {
    const record = await generations.live(cache.model);
    if (record !== undefined) return ofRecord(cache.model, record, 'live');
    throw new ForewarmError(
      'FW_NOT_WARMED',
      `nothing is published for model ${cache.model}, so there is nothing to back up`,
    );
  }
  const lastUpdated = metadata?.generation === pointer.generation ? metadata.last_updated : null;
  return { ...(await ofPointer(stores, pointer, known)), lastUpdated };
}

/**
 * The generation that was live before, of which rows are kept; `undefined` when there is none.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE, FW_POSTGRES_UNAVAILABLE
 */
export async function previousFacts({ cache, generations }: BackupStores): Promise<GenerationFacts | undefined> {
  const previous = (await cache.pointer())?.previous;
  if (previous == null || (await cache.indexSize(previous)) === 0) return undefined;
  // The pointer says nothing more of it.
  const record = await generations.find(cache.model, previous);
  return record && ofRecord(cache.model, record, 'previous');
}

async function ofPointer(
  { cache, generations }: BackupStores,
  pointer: LivePointer,
  known: KnownIdentities,
): Promise<Omit<GenerationFacts, 'lastUpdated'>> {
  const { generation, modelVersion, axes, outputs, publishedAt } = pointer;
  const { model } = cache;
  const identity =
    known.find((candidate) => candidate.startsWith(generation)) ??
    (await generations.find(model, generation))?.identity;
  if (identity === undefined) {
    throw new ForewarmError('FW_POSTGRES_UNAVAILABLE', `Postgres does not know generation ${generation} of ${model}`, {
      next: 'Wait for the next cycle, which records it.',
    });
  }
  return { model, generation, identity, modelVersion, axes, outputs, scope: 'live', publishedAt };
}

function ofRecord(model: string, record: LiveRecord, scope: Scope): GenerationFacts {
  const { id: generation, identity, modelVersion, axes, outputs, publishedAt } = record;
  const published = publishedAt?.toISOString() ?? null;
  return { model, generation, identity, modelVersion, axes, outputs, scope, publishedAt: published, lastUpdated: null };
}
