import type { Pool, PoolClient } from 'pg';
import type { UmzugStorage } from 'umzug';
import { inTransaction, isRefusal, postgresError, query } from '../connections/postgres';
import { ForewarmError, messageOf } from '../errors';
import { MIGRATIONS } from './migrations/all';
import type { Migration } from './migrations/migration';

/** Any number that no other program takes on the same database: "forewarm" in ASCII, first seven bytes. */
const LOCK = '28832984743764338';

/** What has run, in the same transaction as what runs: neither can be there without the other. */
const storage: UmzugStorage<PoolClient> = {
  async executed({ context }) {
    const { rows } = await context.query<{ name: string }>('SELECT name FROM forewarm.migration ORDER BY name');
    return rows.map((row) => row.name);
  },
  async logMigration({ name, context }) {
    await context.query('INSERT INTO forewarm.migration (name) VALUES ($1)', [name]);
  },
  async unlogMigration({ name, context }) {
    await context.query('DELETE FROM forewarm.migration WHERE name = $1', [name]);
  },
};

/**
 * Brings the schema `forewarm` up to date. Each migration runs in one transaction that holds a transaction lock, so that
 * daemons that start together wait for each other, also behind a transaction pooler. Returns the names of those that ran.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE, FW_MIGRATION_FAILED (nothing of the failed migration is kept)
 */
export async function migrate(pool: Pool, migrations: readonly Migration[] = MIGRATIONS): Promise<string[]> {
  const ran: string[] = [];
  for (;;) {
    const name = await inTransaction(pool, (client) => step(client, migrations));
    if (name === undefined) return ran;
    ran.push(name);
  }
}

/**
 * Whether a schema is there at all. One that is there is of this version or a later one.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE
 */
export async function hasSchema(pool: Pool): Promise<boolean> {
  const { rows } = await query<{ there: boolean }>(
    pool,
    "SELECT to_regclass('forewarm.migration') IS NOT NULL AS there",
    [],
    'looking for the schema forewarm',
  );
  return rows[0]?.there ?? false;
}

/** Runs the next pending migration on this connection. Returns its name, or `undefined` when none is pending. */
async function step(client: PoolClient, migrations: readonly Migration[]): Promise<string | undefined> {
  // Loaded here and not above: it brings a command line of its own, and most of ours migrate nothing.
  const { Umzug } = require('umzug') as typeof import('umzug');
  const umzug = new Umzug<PoolClient>({
    migrations: migrations.map(({ name, sql }) => ({
      name,
      up: async ({ context }) => void (await context.query(sql)),
    })),
    context: client,
    storage,
    logger: undefined,
  });
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await client.query('CREATE SCHEMA IF NOT EXISTS forewarm');
    await client.query(
      `CREATE TABLE IF NOT EXISTS forewarm.migration (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`,
    );
  } catch (error) {
    throw postgresError(error, 'preparing the schema forewarm');
  }
  try {
    return (await umzug.up({ step: 1 }))[0]?.name;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (!isRefusal(cause)) throw postgresError(cause, 'migrating the schema forewarm');
    throw new ForewarmError('FW_MIGRATION_FAILED', messageOf(error), { cause: error });
  }
}
