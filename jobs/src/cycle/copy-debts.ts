import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import { queuePrefix } from '../enqueue';

/**
 * The models of which Postgres lacks rows that the cache has, because it was away when they were written: the next whole cycle
 * copies them, also those that it does not compute. In the queue's Redis. All methods throw FW_REDIS_UNAVAILABLE.
 */
export class CopyDebts {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.key = `${queuePrefix(keyPrefix)}:uncopied`;
  }

  async has(model: string): Promise<boolean> {
    return (
      (await asking(`reading whether rows of ${model} are to be copied`, this.redis.sismember(this.key, model))) === 1
    );
  }

  async add(model: string): Promise<void> {
    await asking(`noting that rows of ${model} are to be copied`, this.redis.sadd(this.key, model));
  }

  async settle(model: string): Promise<void> {
    await asking(`noting that rows of ${model} are copied`, this.redis.srem(this.key, model));
  }
}
