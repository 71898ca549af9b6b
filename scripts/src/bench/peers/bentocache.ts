import { Redis } from 'ioredis';
import { Questions } from '../questions';
import type { CachedPrediction, Peer } from './peer';

/** bentocache, as its guide has it: memory above Redis, and Redis alone. */
export async function bentocachePeers(redisUrl: string): Promise<Peer[]> {
  const { BentoCache, bentostore } = await import('bentocache');
  const { memoryDriver } = await import('bentocache/drivers/memory');
  const { redisDriver } = await import('bentocache/drivers/redis');
  // An error without a listener is printed: a server that is stopped first, after an interruption, is none.
  const redis = () => redisDriver({ connection: new Redis(redisUrl).on('error', () => undefined) });
  const cache = new BentoCache({
    default: 'memory',
    ttl: '1h',
    prefix: 'bentocache',
    stores: {
      memory: bentostore()
        .useL1Layer(memoryDriver({ maxItems: Questions.LENGTH }))
        .useL2Layer(redis()),
      redis: bentostore().useL2Layer(redis()),
    },
  });
  return (['memory', 'redis'] as const).map((name) => {
    const store = cache.use(name);
    return {
      name: `bentocache-${name}`,
      set: (key, value) => store.set({ key, value }),
      get: (key) => store.get<CachedPrediction>({ key }),
      close: () => store.disconnect(),
    };
  });
}
