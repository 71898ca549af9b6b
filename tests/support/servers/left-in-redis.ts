import Redis from 'ioredis';
import { queuePrefix } from '#jobs/enqueue';
import { KeySpace } from '#shared/cache/keys';
import { messageOf } from '#shared/errors';
import { untilGone } from './until-gone';

/** Keys that are named before they are only counted. */
const NAMED = 10;
const SCAN_COUNT = 1_000;
/** A server that does not answer must not hold up the end of a test for ever. */
const PATIENCE_MS = 5_000;

/**
 * What is in a Redis that nobody uses any more and should not be: one line for each connection, and for each key of no
 * deployment with one of these prefixes. Connections of replicas and masters are their servers' own.
 */
export async function leftInRedis(url: string, keyPrefixes: readonly string[]): Promise<string[]> {
  const redis = new Redis(url, {
    ...{ lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 },
    ...{ connectTimeout: PATIENCE_MS, commandTimeout: PATIENCE_MS },
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return [...(await strangers(redis)), ...(await strayKeys(redis, keyPrefixes))];
  } catch (error) {
    return [`Redis could not be asked what is left in it: ${messageOf(error)}`];
  } finally {
    redis.disconnect();
  }
}

async function strangers(redis: Redis): Promise<string[]> {
  // A server whose test took the command away from it cannot be asked.
  const id = await redis.client('ID').catch((error: unknown) => {
    if (/unknown command/i.test(messageOf(error))) return undefined;
    throw error;
  });
  if (id === undefined) return [];
  const me = `id=${id} `;
  const look = async () => {
    const lists = await Promise.all([redis.client('LIST', 'TYPE', 'NORMAL'), redis.client('LIST', 'TYPE', 'PUBSUB')]);
    const clients = lists.flatMap((list) => String(list).split('\n'));
    return clients.filter((line) => line !== '' && !line.startsWith(me));
  };
  return (await untilGone(look)).map((client) => `connection to Redis: ${shortened(client)}`);
}

/** Of a line of CLIENT LIST, what tells who it is. */
function shortened(client: string): string {
  return client.match(/\b(addr|name|age|idle|sub|cmd|user|lib-name)=\S+/g)?.join(' ') ?? client;
}

/** In every database of the server; what is asked works on each node of a cluster as well. */
async function strayKeys(redis: Redis, keyPrefixes: readonly string[]): Promise<string[]> {
  const own = keyPrefixes.flatMap((prefix) => [new KeySpace(prefix, '').root, `${queuePrefix(prefix)}:`]);
  const stray = new Set<string>();
  for (const [, database = ''] of (await redis.info('keyspace')).matchAll(/^db(\d+):/gm)) {
    if (database !== '0') await redis.select(Number(database));
    for await (const keys of redis.scanStream({ count: SCAN_COUNT }) as AsyncIterable<string[]>) {
      for (const key of keys) if (!own.some((prefix) => key.startsWith(prefix))) stray.add(key);
    }
  }
  const found = [...stray].sort().map((key) => `key in Redis outside of ${own.join(' and ')}: ${key}`);
  return found.length <= NAMED ? found : [...found.slice(0, NAMED), `${found.length - NAMED} more keys`];
}
