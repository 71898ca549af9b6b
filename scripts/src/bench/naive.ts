import type { Redis } from 'ioredis';
import { BareGrid } from './bare-grid';
import { categoryNames, DAYS, HOURS } from './grid';

/** Categories that are really done; the rest is extrapolated. */
const PREFIX = 2;

/**
 * How a first script would do it: one inference and one awaited JSON `SET` for each prediction.
 */
export class Naive {
  private readonly grid: BareGrid;
  private readonly redis: Redis;

  private constructor(grid: BareGrid, redis: Redis) {
    this.grid = grid;
    this.redis = redis;
  }

  static async open(model: string, redis: Redis): Promise<Naive> {
    return new Naive(await BareGrid.open(model), redis);
  }

  /** Seconds for the grid of this many categories, extrapolated from its first two; what was written is deleted again. */
  async measure(categories: number): Promise<number> {
    const names = categoryNames(Math.min(PREFIX, categories));
    const keys: string[] = [];
    const began = performance.now();
    for (const [i, name] of names.entries()) {
      for (let day = 0; day < DAYS; day++) {
        for (let hour = 0; hour < HOURS; hour++) {
          const key = `naive:${name}:${day}:${hour}`;
          const prediction = await this.grid.one(day, hour, i + 1);
          await this.redis.set(key, JSON.stringify({ prediction, computedAt: new Date().toISOString() }));
          keys.push(key);
        }
      }
    }
    const seconds = (performance.now() - began) / 1_000;
    await this.redis.unlink(...keys);
    return (seconds * categories) / names.length;
  }
}
