import type { Pool } from 'pg';
import { maskUrl } from '#shared/config/secrets';
import type { Config } from '#shared/config/types';
import { makePostgres } from '#shared/connections/postgres';
import { ForewarmError, messageOf } from '#shared/errors';
import { HistoryStore } from '#shared/store/history-store';
import { CONNECT_MS } from './patience';

/**
 * Reads the run history and lets the database go.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE within two seconds when it is away; FW_CONFIG_INVALID when none is configured
 */
export function withHistory<T>(config: Config, work: (history: HistoryStore) => Promise<T>): Promise<T> {
  return withPostgres(config, 'the run history lives in PostgreSQL', (pool) => work(new HistoryStore(pool)));
}

/**
 * Does some work on the database and lets it go.
 * @param why it is needed, for who has none
 * @throws ForewarmError as `withHistory`
 */
export async function withPostgres<T>(config: Config, why: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const { url } = config.postgres;
  if (url === undefined) {
    throw new ForewarmError('FW_CONFIG_INVALID', `postgres.url is not set: ${why}`, {
      next: 'Set FOREWARM_POSTGRES_URL or postgres.url, or start `forewarm up` here.',
    });
  }
  const pool = makePostgres({ ...config.postgres, url, connectTimeoutMs: CONNECT_MS, poolSize: 1 }, () => undefined);
  try {
    return await work(pool);
  } catch (error) {
    if (!(error instanceof ForewarmError) || error.code !== 'FW_POSTGRES_UNAVAILABLE') throw error;
    const where = `PostgreSQL at ${maskUrl(url)}`;
    const next = isNotMigrated(error)
      ? { next: 'Run `forewarm migrate`, or start a daemon, which does the same.' }
      : {};
    throw new ForewarmError(error.code, `${where}: ${messageOf(error)}`, { cause: error, ...next });
  } finally {
    await pool.end();
  }
}

/** What PostgreSQL says of a table, and of a schema, that are not there. */
const NOT_THERE = ['42P01', '3F000'];

function isNotMigrated({ cause }: ForewarmError): boolean {
  return NOT_THERE.includes(String((cause as { code?: unknown } | undefined)?.code));
}
