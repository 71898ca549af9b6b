import type { CachedPrediction, Peer } from './peer';

/**
 * cacheable with Redis as its second store. It cannot do without a first one: for reads from Redis that is one which holds the
 * last key only.
 */
export async function cacheablePeers(redisUrl: string): Promise<Peer[]> {
  const { Cacheable, Keyv, KeyvCacheableMemory } = await import('cacheable');
  const { createKeyv } = await import('@keyv/redis');
  const secondary = () => createKeyv(redisUrl, { namespace: 'cacheable' });
  const caches = [
    ['memory', new Cacheable({ secondary: secondary() })],
    [
      'redis',
      new Cacheable({ primary: new Keyv({ store: new KeyvCacheableMemory({ lruSize: 1 }) }), secondary: secondary() }),
    ],
  ] as const;
  return caches.map(([name, cache]) => ({
    name: `cacheable-${name}`,
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get<CachedPrediction>(key),
    close: () => cache.disconnect(),
  }));
}
