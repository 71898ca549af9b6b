import type { Redis } from 'ioredis';
import { asking } from '#shared/connections/redis';
import { queuePrefix } from '../enqueue';

/**
 * When each model was last backed up, and since when that is asked for, in the queue's Redis: whatever machine a daemon starts on
 * knows whether a backup was missed. All methods throw FW_REDIS_UNAVAILABLE.
 */
export class BackupTimes {
  private readonly redis: Redis;
  private readonly last: string;
  private readonly since: string;

  constructor(redis: Redis, keyPrefix: string) {
    this.redis = redis;
    this.last = `${queuePrefix(keyPrefix)}:backed-up`;
    this.since = `${queuePrefix(keyPrefix)}:backups-since`;
  }

  /** When the last backup of the model was begun, in milliseconds since 1970 UTC; `undefined` when none is known. */
  async lastMs(model: string): Promise<number | undefined> {
    const time = await asking(`reading when ${model} was backed up`, this.redis.hget(this.last, model));
    return time === null ? undefined : Number(time);
  }

  async done(model: string, startedAtMs: number): Promise<void> {
    await asking(`noting that ${model} was backed up`, this.redis.hset(this.last, model, startedAtMs));
  }

  /** Since when backups of the model are asked for: the first call tells. */
  async sinceMs(model: string, nowMs: number): Promise<number> {
    const what = `reading since when ${model} is backed up`;
    await asking(what, this.redis.hsetnx(this.since, model, nowMs));
    return Number(await asking(what, this.redis.hget(this.since, model)));
  }
}
