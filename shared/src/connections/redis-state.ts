import type { Redis } from 'ioredis';
import { asking } from './redis';

/** What a Redis server says of itself. */
export interface RedisState {
  /** Another one after each start of the server. */
  readonly runId: string;
  readonly usedBytes: number;
  /** `maxmemory`; 0 is no limit. */
  readonly maxBytes: number;
  /** `maxmemory-policy`. */
  readonly policy: string;
  /** Since its start. */
  readonly evictedKeys: number;
  /** In all its databases. */
  readonly keys: number;
}

/** @throws ForewarmError FW_REDIS_UNAVAILABLE, also when the user of the connection may not ask */
export async function redisState(client: Redis): Promise<RedisState> {
  return parseRedisInfo(await asking('reading the state of Redis', client.info()));
}

/** The answer of `INFO`; a field that a server leaves out is taken as zero or empty. */
export function parseRedisInfo(info: string): RedisState {
  const fields = new Map(info.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line] as const));
  const text = (name: string): string => fields.get(name)?.slice(name.length + 1) ?? '';
  const number = (name: string): number => Number(text(name)) || 0;
  const databases = info.matchAll(/^db\d+:keys=(\d+)/gm);
  return {
    runId: text('run_id'),
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
    policy: text('maxmemory_policy'),
    evictedKeys: number('evicted_keys'),
    keys: [...databases].reduce((total, [, keys]) => total + Number(keys), 0),
  };
}

/** How far the clock of a server is ahead of this machine's, which is negative when it is behind. */
export interface ClockOffset {
  readonly aheadMs: number;
  /** Half the time that the answer took. */
  readonly uncertainMs: number;
}

/** @throws ForewarmError FW_REDIS_UNAVAILABLE */
export async function clockOffset(client: Redis): Promise<ClockOffset> {
  const asked = Date.now();
  const time = await asking('asking Redis for the time', client.time());
  const answered = Date.now();
  const [seconds, micros] = time as unknown as [number | string, number | string];
  const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000;
  return { aheadMs: theirs - (asked + answered) / 2, uncertainMs: (answered - asked) / 2 };
}

/** Share of its `maxmemory` that a server that evicts has in use at least: each write brings it back to the limit. */
const AT_LIMIT = 0.75;

/** Whether the server would throw keys away rather than refuse a write. */
export function mayEvict({ maxBytes, policy }: RedisState): boolean {
  return maxBytes > 0 && policy !== 'noeviction';
}

/** Whether the server throws keys away to stay within its `maxmemory`. */
export function evicts(state: RedisState): boolean {
  const { maxBytes, usedBytes, evictedKeys } = state;
  return mayEvict(state) && evictedKeys > 0 && usedBytes >= AT_LIMIT * maxBytes;
}
