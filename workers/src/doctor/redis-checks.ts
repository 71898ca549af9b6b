import type { Redis } from 'ioredis';
import { approximateBytes } from '#shared/config/bytes';
import { maskUrl } from '#shared/config/secrets';
import { closeRedis, connectRedis, makeRedis } from '#shared/connections/redis';
import { clockOffset, mayEvict, parseRedisInfo, type RedisState } from '#shared/connections/redis-state';
import { type Finding, fail, pass, warn } from './finding';
import { clockFinding } from './machine-checks';

export type RedisRole = 'cache' | 'queue';

/** The oldest version of a Redis that BullMQ runs on without a warning, and that has what the cache needs. */
const OLDEST = [6, 2] as const;
const CONNECT_MS = 2_000;
/** Share of its memory from which a server is nearly full. */
const NEARLY_FULL = 0.9;

interface Looked {
  readonly role: RedisRole;
  readonly info: string;
  readonly state: RedisState;
}

/**
 * @param needs bytes that the cache must hold: of each model two generations; `undefined` where a model could not be loaded
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function redisFindings(
  role: RedisRole,
  url: string,
  needs: number | undefined,
): Promise<{ findings: Finding[]; runId: string }> {
  const redis = makeRedis(url, 'command', () => undefined);
  try {
    await connectRedis(redis, `Redis at ${maskUrl(url)}`, CONNECT_MS);
    const looked = { role, ...(await look(redis)) };
    const findings = [
      versionFinding(looked),
      role === 'queue' ? queueEviction(looked) : cacheEviction(looked),
      persistence(looked),
      ...(role === 'cache' ? [headRoom(looked, needs)] : [queueMemory(looked)]),
      clockFinding(`Redis (${role})`, await clockOffset(redis)),
    ];
    return { findings, runId: looked.state.runId };
  } finally {
    await closeRedis(redis);
  }
}

async function look(redis: Redis): Promise<Omit<Looked, 'role'>> {
  const info = await redis.info();
  return { info, state: parseRedisInfo(info) };
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}

function versionFinding({ role, info }: Looked): Finding {
  const check = `Redis (${role})`;
  const version = field(info, 'redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const name = field(info, 'server_name') === 'valkey' ? 'Valkey, as Redis' : 'Redis';
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (!old) return pass(check, `${name} ${version}, ${field(info, 'redis_mode') || 'standalone'}`);
  return fail(check, `${name} ${version}`, `Use Redis ${OLDEST.join('.')} or newer.`);
}

/** Jobs that are evicted are lost without an error. */
function queueEviction({ state }: Looked): Finding {
  const check = 'Redis (queue) eviction';
  const { policy, maxBytes } = state;
  if (policy === 'noeviction') return pass(check, 'maxmemory-policy noeviction');
  const found = `maxmemory-policy ${policy}, maxmemory ${maxBytes === 0 ? 'none' : approximateBytes(maxBytes)}`;
  const next = 'Set maxmemory-policy noeviction: jobs that are evicted are lost in silence.';
  return mayEvict(state) ? fail(check, found, next) : warn(check, found, next);
}

function cacheEviction({ state }: Looked): Finding {
  const check = 'Redis (cache) eviction';
  const { policy, evictedKeys } = state;
  const found = `maxmemory-policy ${policy}, ${evictedKeys} keys evicted since its start`;
  if (evictedKeys === 0) return pass(check, found);
  return warn(check, found, 'Give it more memory: evicted rows are computed again and again.');
}

function persistence({ role, info }: Looked): Finding {
  const check = `Redis (${role}) persistence`;
  const appends = field(info, 'aof_enabled') === '1';
  const failed = ['aof_last_write_status', 'rdb_last_bgsave_status'].filter((name) => field(info, name) === 'err');
  if (failed.length > 0) {
    return fail(check, `${failed.join(' and ')}: err`, 'Look at the disk and the log of the server.');
  }
  if (appends) return pass(check, 'append-only file');
  const saved = field(info, 'rdb_last_save_time') !== '' && Number(field(info, 'rdb_saves') || 0) > 0;
  const found = saved ? 'snapshots, no append-only file' : 'no append-only file';
  if (role === 'cache') return pass(check, `${found}; a cache that is lost is restored from PostgreSQL`);
  return warn(check, found, 'Set appendonly yes: a queue that is lost takes schedules and running cycles along.');
}

function headRoom({ info, state }: Looked, needs: number | undefined): Finding {
  const check = 'Redis (cache) memory';
  const system = Number(field(info, 'total_system_memory')) || 0;
  const limit = state.maxBytes > 0 ? state.maxBytes : system;
  const which = state.maxBytes > 0 ? 'maxmemory' : 'memory of its machine';
  const used = `${approximateBytes(state.usedBytes)} in use, ${which} ${approximateBytes(limit)}`;
  if (needs === undefined) return pass(check, used);
  const found = `${used}; two generations need about ${approximateBytes(needs)}`;
  if (limit === 0 || needs <= NEARLY_FULL * limit) return pass(check, found);
  const next = `Give it ${approximateBytes(Math.ceil(needs / NEARLY_FULL))} or more, or take fewer categories or axis values.`;
  return needs > limit ? fail(check, found, next) : warn(check, found, next);
}

function queueMemory({ state }: Looked): Finding {
  const check = 'Redis (queue) memory';
  const { usedBytes, maxBytes } = state;
  const found = `${approximateBytes(usedBytes)} in use, ${maxBytes === 0 ? 'no maxmemory' : `of ${approximateBytes(maxBytes)}`}`;
  if (maxBytes === 0 || usedBytes < NEARLY_FULL * maxBytes) return pass(check, found);
  return fail(check, found, 'Raise its maxmemory: a queue that takes no writes stops every cycle.');
}
