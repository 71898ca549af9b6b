import type { Pool } from 'pg';
import { query } from '#shared/connections/postgres';
import type { ClockOffset } from '#shared/connections/redis-state';
import { MIGRATIONS } from '#shared/store/migrations/all';
import { type Finding, fail, pass, warn } from './finding';
import { clockFinding } from './machine-checks';

/** The oldest version that gets security updates as this is written. */
const OLDEST = 14;

/** @throws ForewarmError FW_POSTGRES_UNAVAILABLE */
export async function postgresFindings(pool: Pool): Promise<Finding[]> {
  return [await versionFinding(pool), ...(await schemaFindings(pool)), clockFinding('PostgreSQL', await timeOf(pool))];
}

async function versionFinding(pool: Pool): Promise<Finding> {
  const what = 'asking PostgreSQL for its version';
  const { rows } = await query<{ number: string; name: string }>(
    pool,
    "SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name",
    [],
    what,
  );
  const [{ number = '0', name = '' } = {}] = rows;
  const found = `PostgreSQL ${name.split(' ')[0]}`;
  if (Number(number) >= OLDEST * 10_000) return pass('PostgreSQL', found);
  return warn('PostgreSQL', found, `Use PostgreSQL ${OLDEST} or newer: this one gets no security updates.`);
}

async function schemaFindings(pool: Pool): Promise<Finding[]> {
  const check = 'PostgreSQL schema';
  const { rows } = await query<{ schema: boolean; migration: boolean; create: boolean }>(
    pool,
    `SELECT to_regnamespace('forewarm') IS NOT NULL AS schema, to_regclass('forewarm.migration') IS NOT NULL AS migration,
            has_database_privilege(current_database(), 'CREATE') AS create`,
    [],
    'looking for the schema forewarm',
  );
  const [{ schema = false, migration = false, create = false } = {}] = rows;
  const grant =
    'GRANT CREATE ON DATABASE ... TO the user of postgres.url; or have an administrator run `forewarm migrate`.';
  if (!migration) {
    if (schema || create)
      return [warn(check, 'there is none yet', 'Run `forewarm migrate`, or start a daemon, which does the same.')];
    return [fail(check, 'there is none, and this user may not create one', grant)];
  }
  const ran = await query<{ name: string }>(pool, 'SELECT name FROM forewarm.migration', [], 'reading the migrations');
  const known = new Set(ran.rows.map(({ name }) => name));
  const pending = MIGRATIONS.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const later = [...known].filter((name) => !MIGRATIONS.some((migration) => migration.name === name));
  const findings: Finding[] = [];
  if (pending.length > 0) {
    findings.push(
      warn(check, `lacks ${pending.join(', ')}`, 'Run `forewarm migrate`, or start a daemon, which does the same.'),
    );
  } else if (later.length > 0) {
    findings.push(
      warn(check, `is of a later version: it has ${later.join(', ')}`, 'Use the same version of Forewarm everywhere.'),
    );
  } else findings.push(pass(check, `${known.size} migrations, up to date`));
  return [...findings, await privileges(pool)];
}

async function privileges(pool: Pool): Promise<Finding> {
  const check = 'PostgreSQL privileges';
  const { rows } = await query<{ table: string; privilege: string }>(
    pool,
    `SELECT c.relname AS table, p.privilege FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(privilege)
     WHERE n.nspname = 'forewarm' AND c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid, p.privilege)
     ORDER BY 1, 2`,
    [],
    'looking at the privileges on the schema forewarm',
  );
  const [first] = rows;
  if (first === undefined) return pass(check, 'reads and writes every table');
  const others = rows.length === 1 ? '' : `, and ${rows.length - 1} more`;
  const found = `may not ${first.privilege} forewarm.${first.table}${others}`;
  return fail(
    check,
    found,
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA forewarm TO the user of postgres.url.',
  );
}

async function timeOf(pool: Pool): Promise<ClockOffset> {
  const asked = Date.now();
  const { rows } = await query<{ at: string }>(
    pool,
    'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS at',
    [],
    'asking for the time',
  );
  const answered = Date.now();
  return { aheadMs: Number(rows[0]?.at) - (asked + answered) / 2, uncertainMs: (answered - asked) / 2 };
}
