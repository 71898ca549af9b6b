import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { asking } from '../connections/redis';
import { ForewarmError } from '../errors';
import { isRunning } from '../is-running';
import { parseJson } from '../parse-json';

/** How long a restore that was killed keeps others away. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

const leaseSchema = z.object({
  ...{ name: z.string(), generation: z.string(), by: z.string(), token: z.string() },
  ...{ host: z.string(), pid: z.int() },
});

/** Who restores what: whoever deletes old generations or old backups leaves these alone. */
export interface RestoreLease {
  /** Name of the backup. */
  readonly name: string;
  readonly generation: string;
  readonly by: string;
}

/** @returns what is being restored; `undefined` when nothing is */
export async function readLease(redis: Redis, key: string): Promise<RestoreLease | undefined> {
  return parseJson(leaseSchema, await asking(`reading ${key}`, redis.get(key)));
}

/** KEYS: the lease. ARGV: its text, and how long it goes on; without that it ends. */
const OWN = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  if ARGV[2] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return redis.call('DEL', KEYS[1])`;

/**
 * Does some work while nobody else restores this model.
 * @param work is told by the signal when the lease was lost, because Redis was away for long or lost it
 * @throws ForewarmError FW_RESTORE_RUNNING, FW_REDIS_UNAVAILABLE
 */
export async function withLease<T>(
  redis: Redis,
  key: string,
  lease: RestoreLease,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const text = JSON.stringify({ ...lease, token: randomUUID(), host: hostname(), pid: process.pid });
  if (!(await take(redis, key, text)) && !((await endDead(redis, key)) && (await take(redis, key, text)))) {
    const other = await readLease(redis, key);
    const what = other === undefined ? 'another backup' : `${other.name} (by ${other.by})`;
    throw new ForewarmError('FW_RESTORE_RUNNING', `${what} is being restored`);
  }
  const lost = new AbortController();
  const timer = setInterval(() => {
    redis.eval(OWN, 1, key, text, LEASE_MS).then(
      (renewed) => {
        if (renewed !== 1)
          lost.abort(new ForewarmError('FW_REDIS_UNAVAILABLE', `${key} was lost: Redis was away, or is empty`));
      },
      () => undefined,
    );
  }, RENEW_MS);
  try {
    return await work(lost.signal);
  } finally {
    clearInterval(timer);
    await redis.eval(OWN, 1, key, text).catch(() => undefined);
  }
}

async function take(redis: Redis, key: string, text: string): Promise<boolean> {
  return (await asking(`taking ${key}`, redis.set(key, text, 'PX', LEASE_MS, 'NX'))) !== null;
}

/** Ends the lease of a process of this machine that is gone. Returns whether there was one. */
async function endDead(redis: Redis, key: string): Promise<boolean> {
  const text = await asking(`reading ${key}`, redis.get(key));
  const lease = parseJson(leaseSchema, text);
  if (text === null || lease === undefined || lease.host !== hostname() || isRunning(lease.pid)) return false;
  await asking(`taking ${key}`, redis.eval(OWN, 1, key, text));
  return true;
}
