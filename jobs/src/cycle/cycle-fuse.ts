import type { Redis } from 'ioredis';
import { asking, execChecked } from '#shared/connections/redis';
import { queuePrefix } from '../enqueue';

/** Of a cycle that is lost: one that ends is forgotten. */
const KEPT_MS = 24 * 3_600_000;

const DONE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

export interface Losses {
  readonly count: number;
  /** Of the last one: code and message. */
  readonly why: string;
}

const NONE: Losses = { count: 0, why: '' };

/**
 * Ends a cycle early whose model only costs processes: each batch of it may hold one for `inference.timeLimit`, three times,
 * while those of other models wait. In the queue's Redis, for the workers of all machines. All methods throw
 * FW_REDIS_UNAVAILABLE.
 */
export class CycleFuse {
  private readonly redis: Redis;
  private readonly prefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.prefix = queuePrefix(keyPrefix);
  }

  /** A process was lost over a batch of the cycle; `why` is kept of the last. */
  async lost(cycle: string, why: string): Promise<void> {
    const key = this.key(cycle);
    const commands = this.redis.multi().hincrby(key, 'lost', 1).hset(key, 'why', why).pexpire(key, KEPT_MS);
    await execChecked(commands, `noting a loss of ${cycle}`);
  }

  /** A batch of the cycle came to its end: from now on losses are those of single batches. */
  async held(cycle: string): Promise<void> {
    const key = this.key(cycle);
    await execChecked(this.redis.multi().hset(key, 'held', 1).pexpire(key, KEPT_MS), `noting a batch of ${cycle}`);
  }

  /** Processes lost over the cycle, as long as no batch of it came to its end; none from then on. */
  async losses(cycle: string): Promise<Losses> {
    const read = this.redis.hmget(this.key(cycle), 'lost', 'held', 'why');
    const [lost, held, why] = await asking(`reading the losses of ${cycle}`, read);
    return held == null ? { count: Number(lost ?? 0), why: why ?? '' } : NONE;
  }

  /** Whether this batch is the only one of its cycle from now on, until `done` or for so long. */
  async alone(cycle: string, batch: number, forMs: number): Promise<boolean> {
    const key = this.key(cycle, 'alone');
    const taken = await asking(`trying ${cycle}`, this.redis.set(key, batch, 'PX', forMs, 'NX'));
    return taken === 'OK' || (await asking(`trying ${cycle}`, this.redis.get(key))) === String(batch);
  }

  /** Lets another batch have its turn, if this one had it. */
  async done(cycle: string, batch: number): Promise<void> {
    await asking(`ending a try of ${cycle}`, this.redis.eval(DONE, 1, this.key(cycle, 'alone'), batch));
  }

  /** All batches of the cycle have ended. */
  async forget(cycle: string): Promise<void> {
    await asking(`ending ${cycle}`, this.redis.del(this.key(cycle), this.key(cycle, 'alone')));
  }

  private key(cycle: string, part?: 'alone'): string {
    const key = `${this.prefix}:fuse:${cycle}`;
    return part === undefined ? key : `${key}:${part}`;
  }
}
