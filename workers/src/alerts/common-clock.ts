import type { Redis } from 'ioredis';
import type { Clock } from '#shared/clock';
import { type ClockOffset, clockOffset } from '#shared/connections/redis-state';

/**
 * The clock of the queue's Redis, which all daemons have in common: ages and schedules that others wrote are judged by it, so that
 * one machine whose clock is wrong does not raise alerts for all. While that Redis is away it goes on from what was known.
 */
export class CommonClock implements Clock {
  /** What was found last; `undefined` before. */
  offset: ClockOffset | undefined;
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async compare(): Promise<ClockOffset> {
    this.offset = await clockOffset(this.redis);
    return this.offset;
  }

  now(): number {
    return Date.now() + (this.offset?.aheadMs ?? 0);
  }
}
