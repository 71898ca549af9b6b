import type { Redis } from 'ioredis';
import type { Config, ModelConfig } from '#shared/config/types';
import { Predictor } from '#shared/predictor/predictor';
import { CONNECT_MS } from './patience';
import { withRedis } from './with-redis';

/** A reader of what the cache has of a model, with the patience of a person. */
export function cacheReader(redis: Redis, { keyPrefix }: Config, { staleAfterMs }: ModelConfig): Predictor {
  return new Predictor({ redis, keyPrefix, staleAfterMs, memory: false, limitsMs: { redis: CONNECT_MS } });
}

/**
 * Does some work with a reader of a model's cache and lets it go.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE within two seconds when Redis is away; what `work` throws
 */
export async function withReader<T>(
  config: Config,
  model: ModelConfig,
  work: (reader: Predictor) => Promise<T>,
): Promise<T> {
  return withRedis(config.redis.cacheUrl, async (redis) => {
    const reader = cacheReader(redis, config, model);
    try {
      return await work(reader);
    } finally {
      await reader.close();
    }
  });
}
