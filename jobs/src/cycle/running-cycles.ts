import type { Redis } from 'ioredis';
import { queuePrefix } from '../enqueue';

/**
 * Which cycle of a model runs, in the queue's Redis: it is lost together with the cycle's jobs, never without them. Two
 * cycles of one model do not overlap.
 */
export class RunningCycles {
  private readonly redis: Redis;
  private readonly prefix: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.prefix = queuePrefix(keyPrefix);
  }

  /** Whether the model was free and is now taken by `cycle`. */
  async claim(model: string, cycle: string): Promise<boolean> {
    return (await this.redis.set(this.key(model), cycle, 'NX')) === 'OK';
  }

  async holder(model: string): Promise<string | undefined> {
    return (await this.redis.get(this.key(model))) ?? undefined;
  }

  /** Frees the model if `cycle` still holds it. */
  async release(model: string, cycle: string): Promise<void> {
    const script = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";
    await this.redis.eval(script, 1, this.key(model), cycle);
  }

  /** Asks for one more cycle when the running one has ended (policy `overlap: queue`). */
  async wantNext(model: string): Promise<void> {
    await this.redis.set(`${this.key(model)}:next`, '1');
  }

  /** Whether one more cycle was asked for; the wish is taken back. */
  async takeNext(model: string): Promise<boolean> {
    return (await this.redis.getdel(`${this.key(model)}:next`)) !== null;
  }

  private key(model: string): string {
    return `${this.prefix}:running:${model}`;
  }
}
