import { Questions } from '../questions';
import type { CachedPrediction, Peer } from './peer';

const TTL_MS = 3_600_000;

/** cache-manager, as its README has it for two layers: the memory of cacheable above `@keyv/redis`, and that alone. */
export async function cacheManagerPeers(redisUrl: string): Promise<Peer[]> {
  const { createCache } = await import('cache-manager');
  const { createKeyv } = await import('@keyv/redis');
  const { CacheableMemory } = await import('cacheable');
  const { Keyv } = await import('keyv');
  const redis = () => createKeyv(redisUrl, { namespace: 'cache-manager' });
  const memory = new Keyv({ store: new CacheableMemory({ ttl: TTL_MS, lruSize: Questions.LENGTH }) });
  const caches = [
    ['memory', createCache({ stores: [memory, redis()] })],
    ['redis', createCache({ stores: [redis()] })],
  ] as const;
  return caches.map(([name, cache]) => ({
    name: `cache-manager-${name}`,
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get<CachedPrediction>(key),
    close: () => cache.disconnect(),
  }));
}
