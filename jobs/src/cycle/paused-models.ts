import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import { queuePrefix } from '../enqueue';

/**
 * The models whose schedule is paused, in the queue's Redis beside the schedules: what is on demand, and what heals missing
 * rows, still runs. All methods throw FW_REDIS_UNAVAILABLE.
 */
export class PausedModels {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.key = `${queuePrefix(keyPrefix)}:paused`;
  }

  /** Since when the model is paused; `undefined` when it is not. */
  async since(model: string): Promise<Date | undefined> {
    const since = await asking(`reading whether ${model} is paused`, this.redis.hget(this.key, model));
    return since === null ? undefined : new Date(since);
  }

  /** Returns whether it was running until now; one that is paused stays paused since when it was. */
  async pause(model: string, now: Date): Promise<boolean> {
    return (await asking(`pausing ${model}`, this.redis.hsetnx(this.key, model, now.toISOString()))) === 1;
  }

  /** Returns whether it was paused until now. */
  async unpause(model: string): Promise<boolean> {
    return (await asking(`unpausing ${model}`, this.redis.hdel(this.key, model))) === 1;
  }
}
