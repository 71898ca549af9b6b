import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { TimeLimit } from '../time-limit';
import type { FoundRow, LiveGeneration } from './tier';

const STEP_MS = 50;
/** How soon the row of another is looked for, and how often at least. */
const LOOK_FIRST_MS = 10;
const LOOK_AT_LEAST_MS = 100;

/** Deletes a flight of ours, and not that of another who took it when ours had expired. */
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** What is to be done about rows that are missing. */
export interface Claim {
  /** To be computed here. */
  readonly own: readonly string[];
  /** Others compute them now. */
  readonly others: readonly string[];
  /** Rows that came between being missed and being asked for here. */
  readonly landed: readonly FoundRow[];
  /** Lets others have them, when their rows are in Redis, or did not come to be. */
  release(): Promise<void>;
}

export interface SharedRedis {
  /** Stays the caller's. */
  readonly redis: Redis;
  /** How long others wait for the row of a process that does not come back. */
  readonly lifeMs: number;
  /** What one step may hold up the computing: a Redis that hangs is as good as none. */
  readonly stepMs?: number | undefined;
}

/** Whether bytes in Redis are the row that is waited for. */
export type Check = (category: string, bytes: Buffer) => FoundRow | undefined;

/**
 * One computation of a missing row at a time across processes, by keys in Redis that expire. It saves work and is relied upon
 * for nothing: without Redis, everybody computes.
 */
export class Claims {
  private readonly redis: Redis;
  private readonly lifeMs: number;
  private readonly step: TimeLimit;

  constructor({ redis, lifeMs, stepMs = STEP_MS }: SharedRedis) {
    this.redis = redis;
    this.lifeMs = Math.max(1, Math.ceil(lifeMs));
    this.step = new TimeLimit(stepMs);
  }

  async take(live: LiveGeneration, categories: readonly string[], check: Check): Promise<Claim> {
    const { keys, generation } = live;
    const token = randomBytes(12).toString('hex');
    const flights = categories.map((category) => keys.flight(generation, category));
    const rows = categories.map((category) => keys.row(generation, category));
    const pipeline = this.redis.pipeline();
    for (const flight of flights) pipeline.set(flight, token, 'PX', this.lifeMs, 'NX');
    const replies = await this.soon(() => pipeline.mgetBuffer(...rows).exec());
    // A Redis that is late may take the flights after all: they expire.
    if (!replies) return { own: categories, others: [], landed: [], release: async () => undefined };
    const there = (replies.at(-1)?.[1] ?? []) as (Buffer | null)[];
    const landed = categories.flatMap((category, i) => (there[i] ? (check(category, there[i]) ?? []) : []));
    const settled = new Set(landed.map(({ category }) => category));
    const isTaken = (i: number): boolean => replies[i]?.[0] === null && replies[i]?.[1] === null;
    const release = () =>
      this.release(
        flights.filter((_, i) => replies[i]?.[1] === 'OK'),
        token,
      );
    return {
      own: categories.filter((category, i) => !settled.has(category) && !isTaken(i)),
      others: categories.filter((category, i) => !settled.has(category) && isTaken(i)),
      landed,
      release,
    };
  }

  /** The row that another computes, or `undefined` when its flight has ended without one. */
  async follow(
    live: LiveGeneration,
    category: string,
    check: Check,
    signal: AbortSignal,
  ): Promise<FoundRow | undefined> {
    const keys = [live.keys.row(live.generation, category), live.keys.flight(live.generation, category)];
    const endMs = performance.now() + this.lifeMs;
    for (let waitMs = LOOK_FIRST_MS; performance.now() < endMs; waitMs = Math.min(1.5 * waitMs, LOOK_AT_LEAST_MS)) {
      await delay(waitMs, undefined, { signal });
      const [bytes, flight] = (await this.soon(() => this.redis.mgetBuffer(...keys))) ?? [];
      const row = bytes ? check(category, bytes) : undefined;
      if (row !== undefined || !flight) return row;
    }
    return undefined;
  }

  /** Waits for nothing any more. */
  close(): void {
    this.step.close();
  }

  private async release(flights: readonly string[], token: string): Promise<void> {
    if (flights.length === 0) return;
    const pipeline = this.redis.pipeline();
    for (const flight of flights) pipeline.eval(RELEASE, 1, flight, token);
    await this.soon(() => pipeline.exec());
  }

  /** The answer, or `undefined` when there is no connection, an error, or nothing soon. */
  private async soon<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.redis.status !== 'ready') return undefined;
    return this.step.race<T | undefined>(ask(), () => new Error('late')).catch(() => undefined);
  }
}
