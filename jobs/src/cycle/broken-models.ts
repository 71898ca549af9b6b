import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import { parseJson } from '#shared/parse-json';
import { queuePrefix } from '../enqueue';
import { type ModelTries, modelTries } from './model-breaker';

/**
 * The models whose last tries failed, in the queue's Redis, where all daemons see them. All methods throw
 * FW_REDIS_UNAVAILABLE.
 */
export class BrokenModels {
  private readonly redis: Redis;
  private readonly key: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.key = `${queuePrefix(keyPrefix)}:broken`;
  }

  /** `undefined` for a model that works, as far as is known. */
  async tries(model: string): Promise<ModelTries | undefined> {
    const text = await asking(`reading whether ${model} is broken`, this.redis.hget(this.key, model));
    return parseJson(modelTries, text);
  }

  /** Whether it is left alone, but for a try now and then. */
  async isBroken(model: string): Promise<boolean> {
    const tries = await this.tries(model);
    return tries !== undefined && tries.brokenSince !== null;
  }

  async remember(model: string, tries: ModelTries): Promise<void> {
    await asking(`noting a failure of ${model}`, this.redis.hset(this.key, model, JSON.stringify(tries)));
  }

  async forget(model: string): Promise<void> {
    await asking(`noting that ${model} works`, this.redis.hdel(this.key, model));
  }
}
