import type { Environment } from '#shared/config/environment';
import { cacheBytes } from '#shared/config/sizes';
import type { Config } from '#shared/config/types';
import { makePostgres } from '#shared/connections/postgres';
import { attempt, type Finding, fail, pass, warn } from './finding';
import { backupFolderFindings, fileLimitFinding } from './machine-checks';
import { modelFindings } from './model-checks';
import { postgresFindings } from './postgres-checks';
import { redisFindings } from './redis-checks';

const CONNECT_MS = 2_000;

/** Everything that a deployment depends on, looked at from this machine. Nothing is changed. */
export async function examine(config: Config, environment: Environment): Promise<Finding[]> {
  const { findings: models, loaded } = await modelFindings(config, environment);
  const all = loaded.length === config.models.length;
  const needs = all ? cacheBytes(loaded.map(({ size }) => size)) : undefined;
  const predictions = all ? loaded.reduce((sum, { size }) => sum + size.predictions, 0) : undefined;
  return [
    nodeFinding(),
    ...models,
    ...(await bothRedis(config, needs)),
    ...(await attempt('PostgreSQL', () => postgres(config))),
    ...(await attempt('backup folder', () => backupFolderFindings(config, predictions))),
    ...(await attempt('file descriptors', fileLimitFinding)),
  ];
}

function nodeFinding(): Finding {
  return pass('Node.js', `${process.version}, ${process.platform} ${process.arch}`);
}

async function bothRedis(config: Config, needs: number | undefined): Promise<Finding[]> {
  const { cacheUrl, queueUrl } = config.redis;
  const runs = new Map<string, string>();
  const look = (role: 'cache' | 'queue', url: string): Promise<Finding[]> =>
    attempt(`Redis (${role})`, async () => {
      const { findings, runId } = await redisFindings(role, url, needs);
      runs.set(role, runId);
      return findings;
    });
  const findings = [...(await look('cache', cacheUrl)), ...(await look('queue', queueUrl))];
  const same = runs.size === 2 && runs.get('cache') === runs.get('queue');
  if (!same) return findings;
  const next = 'Set redis.queue (FOREWARM_QUEUE_REDIS_URL) to a Redis that persists and does not evict.';
  return [
    ...findings,
    warn('Redis roles', 'one server serves the cache and the queue, which is for development', next),
  ];
}

async function postgres(config: Config): Promise<Finding | Finding[]> {
  const { url } = config.postgres;
  if (url === undefined) {
    return fail('PostgreSQL', 'postgres.url is not set', 'Set FOREWARM_POSTGRES_URL or postgres.url.');
  }
  const pool = makePostgres({ ...config.postgres, url, connectTimeoutMs: CONNECT_MS, poolSize: 1 }, () => undefined);
  try {
    return await postgresFindings(pool);
  } finally {
    await pool.end();
  }
}
