import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { CELLS, categoryNames } from './grid';

/** Categories that are really done; the rest is extrapolated. */
const PREFIX = 60;
/** Keys that are written at once, which is not what is measured. */
const SLICE = 1_000;

/**
 * How a first script would do it: a JSON key for each prediction, all of them named by `KEYS *`, fetched one at a time into one object.
 * @param redis empty but for what is written here, and empty again afterwards
 * @returns seconds for a grid of this many categories, extrapolated from the first 60
 */
export async function naiveBackup(redis: Redis, folder: string, categories: number): Promise<number> {
  const names = categoryNames(Math.min(PREFIX, categories));
  const keys = names.flatMap((name) => Array.from({ length: CELLS }, (_, cell) => `naive:${name}:${cell}`));
  for (let from = 0; from < keys.length; from += SLICE) {
    const computedAt = new Date().toISOString();
    const values = keys.slice(from, from + SLICE).flatMap((key, i) => {
      return [key, JSON.stringify({ prediction: Math.fround(i / 7), computedAt })];
    });
    await redis.mset(...values);
  }
  const began = performance.now();
  const all: Record<string, unknown> = {};
  for (const key of await redis.keys('*')) {
    const text = await redis.get(key);
    if (key.startsWith('naive:')) all[key] = JSON.parse(text ?? 'null');
  }
  writeFileSync(join(folder, 'naive.json'), JSON.stringify(all));
  const seconds = (performance.now() - began) / 1_000;
  if (Object.keys(all).length !== keys.length) throw new Error('not every key was there');
  await redis.flushall('SYNC');
  return (seconds * categories) / names.length;
}
