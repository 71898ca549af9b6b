import type { Redis } from 'ioredis';
import { maskUrl } from '#shared/config/secrets';
import { closeRedis, connectRedis, makeRedis } from '#shared/connections/redis';
import { ForewarmError, messageOf } from '#shared/errors';
import { CONNECT_MS } from './patience';

const NEXT = 'Start `forewarm up` in this folder, or set redis.cache (FOREWARM_REDIS_URL) to the Redis of your daemon.';

/**
 * Does some work on a Redis and lets it go.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE within two seconds when it is away
 */
export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = makeRedis(url, 'command', () => undefined);
  try {
    await connectRedis(redis, `Redis at ${maskUrl(url)}`, CONNECT_MS).catch((error: unknown) => {
      throw new ForewarmError('FW_REDIS_UNAVAILABLE', messageOf(error), { cause: error, next: NEXT });
    });
    return await work(redis);
  } finally {
    await closeRedis(redis);
  }
}
