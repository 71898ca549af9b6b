import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import type { KeptTables } from '#shared/features/feature-sources';
import { queuePrefix } from '../enqueue';

/**
 * The last good features of each model, in the queue's Redis beside the schedules: a daemon that starts while their source is away goes on
 * with them. All methods throw FW_REDIS_UNAVAILABLE.
 */
export class KeptFeatures implements KeptTables {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.key = `${queuePrefix(keyPrefix)}:features`;
  }

  async read(model: string): Promise<string | undefined> {
    return (await asking(`reading the features of ${model}`, this.redis.hget(this.key, model))) ?? undefined;
  }

  async write(model: string, text: string): Promise<void> {
    await asking(`keeping the features of ${model}`, this.redis.hset(this.key, model, text));
  }
}
