import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
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
    return text === null ? undefined : modelTries.safeParse(parsed(text)).data;
  }

  async remember(model: string, tries: ModelTries): Promise<void> {
    await asking(`noting a failure of ${model}`, this.redis.hset(this.key, model, JSON.stringify(tries)));
  }

  async forget(model: string): Promise<void> {
    await asking(`noting that ${model} works`, this.redis.hdel(this.key, model));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
