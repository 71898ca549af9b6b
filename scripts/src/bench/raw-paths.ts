import { Redis } from 'ioredis';
import { KeySpace } from '#shared/cache/keys';
import { decodeRow } from '#shared/cache/row';
import type { BareGrid } from './bare-grid';
import { MODEL } from './deployment';
import type { Questions } from './questions';
import { CONCURRENCIES, type ReadPath } from './read-path';

/** The least that a read from Redis can be: `GET` of the row's bytes, whose key is known, and nothing made of them. */
export async function rawRedisPath(
  redisUrl: string,
  generation: string,
  questions: Questions,
): Promise<ReadPath<Buffer | null>> {
  const redis = new Redis(redisUrl).on('error', () => undefined);
  const space = new KeySpace('forewarm', MODEL);
  const keys = questions.all.map(({ category }) => space.row(generation, category));
  await redis.ping();
  return {
    ...{ name: 'raw-redis', concurrencies: CONCURRENCIES, perCall: 1 },
    ask: (place) => redis.getBuffer(keys[place % keys.length] as string),
    valuesOf: (bytes, place) => {
      const decoded = bytes === null ? undefined : decodeRow(bytes);
      return [decoded?.ok ? decoded.row.values[questions.at(place).cell] : undefined];
    },
    close: async () => redis.disconnect(),
  };
}

/** No cache at all: the model runs in this process, for one prediction at a time. */
export function directInferencePath(grid: BareGrid, questions: Questions): ReadPath<number> {
  return {
    ...{ name: 'direct-inference', concurrencies: [1], perCall: 1 },
    ask: (place) => {
      const { coordinates, number } = questions.at(place);
      return grid.one(coordinates.day, coordinates.hour, number);
    },
    valuesOf: (value) => [value],
    close: async () => undefined,
  };
}
