import type { Redis } from 'ioredis';
import { ModelCache } from '../cache/model-cache';
import { makePostgres } from '../connections/postgres';
import { closeRedis, connectRedis, makeRedis } from '../connections/redis';
import type { StoreTargets } from '../inference/protocol';
import { GenerationStore } from '../store/generation-store';
import { RowStore } from '../store/row-store';

/** What is backed up and restored: the cache, and the durable copy beside it. */
export interface BackupStores {
  readonly redis: Redis;
  readonly cache: ModelCache;
  readonly rows: RowStore;
  readonly generations: GenerationStore;
}

/** How long the cache may take to be reached. */
const CONNECT_MS = 5_000;

/**
 * Does some work on the stores of one model over connections of its own.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function withStores<T>(
  targets: StoreTargets,
  model: string,
  work: (stores: BackupStores) => Promise<T>,
): Promise<T> {
  // What goes wrong comes out of the commands that need them.
  const ignore = (): void => undefined;
  const redis = makeRedis(targets.cacheUrl, 'writer', ignore);
  const pool = makePostgres({ ...targets.postgres, poolSize: 2 }, ignore);
  try {
    await connectRedis(redis, 'the cache Redis', CONNECT_MS);
    const cache = new ModelCache(redis, targets.keyPrefix, model);
    return await work({ redis, cache, rows: new RowStore(pool), generations: new GenerationStore(pool) });
  } finally {
    await closeRedis(redis);
    await pool.end();
  }
}
