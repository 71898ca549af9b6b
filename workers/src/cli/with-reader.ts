import type { Config } from '#shared/config/types';
import { Predictor } from '#shared/predictor/predictor';
import { CONNECT_MS } from './patience';
import { withRedis } from './with-redis';

/**
 * Does some work with a reader and lets it go.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE within two seconds when Redis is away; what `work` throws
 */
export async function withReader<T>(config: Config, work: (reader: Predictor) => Promise<T>): Promise<T> {
  return withRedis(config.redis.cacheUrl, async (redis) => {
    const reader = new Predictor({
      redis,
      keyPrefix: config.keyPrefix,
      memory: false,
      limitsMs: { redis: CONNECT_MS },
    });
    try {
      return await work(reader);
    } finally {
      await reader.close();
    }
  });
}
