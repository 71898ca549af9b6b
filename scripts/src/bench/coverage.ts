import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { KeySpace } from '#shared/cache/keys';
import { parseLivePointer } from '#shared/cache/pointer';
import { MODEL } from './deployment';
import { categoryNames } from './grid';

const LOOK_EVERY_MS = 5;
/** Keys of one question: it must not hold up the reads that are measured. */
const SLICE = 250;

/** Whether Redis has every row of the generation that was live when this was made, and the pointer to it. */
export class Coverage {
  private readonly redis: Redis;
  private readonly live: string;
  private readonly rows: readonly string[];

  private constructor(redis: Redis, live: string, rows: readonly string[]) {
    this.redis = redis;
    this.live = live;
    this.rows = rows;
  }

  static async of(redis: Redis, categories: number): Promise<Coverage> {
    const space = new KeySpace('forewarm', MODEL);
    const pointer = parseLivePointer(await redis.get(space.live));
    if (pointer === undefined) throw new Error('nothing was published');
    const rows = categoryNames(categories).map((category) => space.row(pointer.generation, category));
    return new Coverage(redis, space.live, rows);
  }

  /** Seconds until all is there, or `undefined` when that takes longer than the limit. */
  async full(limitMs: number, signal: AbortSignal): Promise<number | undefined> {
    const began = performance.now();
    for (;;) {
      // While Redis is away nothing is there.
      const whole = await this.whole().catch(() => false);
      const ms = performance.now() - began;
      if (whole) return ms / 1_000;
      if (ms > limitMs) return undefined;
      await delay(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  /** Stops at the first slice of which something is missing. */
  private async whole(): Promise<boolean> {
    if ((await this.redis.exists(this.live)) === 0) return false;
    for (let from = 0; from < this.rows.length; from += SLICE) {
      const slice = this.rows.slice(from, from + SLICE);
      if ((await this.redis.exists(...slice)) < slice.length) return false;
    }
    return true;
  }
}
