import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import { queuePrefix } from '../enqueue';

/** After a claim its cycle adds its jobs to the queue. A claim that had this time and has no jobs is lost. */
const ADDING_MS = 15_000;

/** A cycle ends long before, and takes its mark along. */
const CANCELLED_MS = 24 * 3_600_000;

const CLAIM = `if redis.call('set', KEYS[1], ARGV[1], 'NX') then
  redis.call('set', KEYS[2], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0`;

const RELEASE = `redis.call('del', KEYS[3])
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1], KEYS[2]) end`;

const CANCEL = `if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], 1, 'PX', ARGV[2])
return 1`;

const WANT_NEXT = `if redis.call('exists', KEYS[1]) == 0 then return 0 end
if ARGV[1] == 'schedule' then redis.call('set', KEYS[2], ARGV[1]) else redis.call('set', KEYS[2], ARGV[1], 'NX') end
return 1`;

const TAKE_BACK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/** What a wish for one more cycle asks for. */
export type NextTrigger = 'schedule' | 'heal';

/**
 * Which cycle of a model runs, in the queue's Redis: it is lost together with the cycle's jobs, never without them. Two
 * cycles of one model do not overlap. All methods throw FW_REDIS_UNAVAILABLE.
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
    const claimed = this.redis.eval(CLAIM, 2, this.key(model), this.key(model, 'adding'), cycle, ADDING_MS);
    return (await asking(`claiming ${model}`, claimed)) === 1;
  }

  async holder(model: string): Promise<string | undefined> {
    return (await asking(`reading the running cycle of ${model}`, this.redis.get(this.key(model)))) ?? undefined;
  }

  /** Whether the holder took the model a moment ago, by the clock of Redis, and may still be adding its jobs. */
  async isAdding(model: string): Promise<boolean> {
    return (await asking(`reading the claim of ${model}`, this.redis.exists(this.key(model, 'adding')))) === 1;
  }

  /** Frees the model if `cycle` still holds it, and forgets whether the cycle was cancelled. */
  async release(model: string, cycle: string): Promise<void> {
    const keys = [this.key(model), this.key(model, 'adding'), this.cancelKey(cycle)];
    await asking(`releasing ${model}`, this.redis.eval(RELEASE, keys.length, ...keys, cycle));
  }

  /** Asks the cycle that holds the model to end: batches that have not begun do not begin. False when another one holds it. */
  async cancel(model: string, cycle: string): Promise<boolean> {
    const cancelled = this.redis.eval(CANCEL, 2, this.key(model), this.cancelKey(cycle), cycle, CANCELLED_MS);
    return (await asking(`cancelling ${cycle}`, cancelled)) === 1;
  }

  async isCancelled(cycle: string): Promise<boolean> {
    return (await asking(`reading whether ${cycle} is cancelled`, this.redis.exists(this.cancelKey(cycle)))) === 1;
  }

  /**
   * Asks for one more cycle when the running one has ended. A scheduled one covers what a heal would. False when none runs:
   * nobody would take the wish.
   */
  async wantNext(model: string, trigger: NextTrigger): Promise<boolean> {
    const wanted = this.redis.eval(WANT_NEXT, 2, this.key(model), this.key(model, 'next'), trigger);
    return (await asking(`asking for another cycle of ${model}`, wanted)) === 1;
  }

  /** Has done what was asked for while the cycle ran. The wish is taken back afterwards: it must not be lost between. */
  async grantNext(model: string, grant: (trigger: NextTrigger) => Promise<unknown>): Promise<void> {
    const key = this.key(model, 'next');
    const wish = await asking(`reading the wish for another cycle of ${model}`, this.redis.get(key));
    if (wish === 'schedule' || wish === 'heal') await grant(wish);
    if (wish !== null) await asking(`granting another cycle of ${model}`, this.redis.eval(TAKE_BACK, 1, key, wish));
  }

  private cancelKey(cycle: string): string {
    return `${this.prefix}:cancelled:${cycle}`;
  }

  private key(model: string, part?: 'adding' | 'next'): string {
    const key = `${this.prefix}:running:${model}`;
    return part === undefined ? key : `${key}:${part}`;
  }
}
