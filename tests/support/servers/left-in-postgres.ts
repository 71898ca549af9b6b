import type { Client } from 'pg';
import { messageOf } from '#shared/errors';
import { withPostgres } from './clients';
import { untilGone } from './until-gone';

interface Backend {
  readonly datname: string;
  readonly application_name: string;
  readonly state: string | null;
  readonly query: string;
}

/** One line for each connection to a database that nobody uses any more, or to any of the server when none is named. */
export async function leftInPostgres(adminUrl: string, database?: string): Promise<string[]> {
  try {
    const found = await withPostgres(adminUrl, (client) => untilGone(() => backends(client, database)));
    return found.map(describe);
  } catch (error) {
    return [`PostgreSQL could not be asked what is left in it: ${messageOf(error)}`];
  }
}

function describe({ datname, application_name, state, query }: Backend): string {
  const who = application_name === '' ? 'without a name' : application_name;
  return `connection to PostgreSQL: database ${datname}, application ${who}, ${state}: ${query.slice(0, 200)}`;
}

async function backends(client: Client, database: string | undefined): Promise<Backend[]> {
  const { rows } = await client.query<Backend>(
    `SELECT datname, application_name, state, query FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND ($1::text IS NULL OR datname = $1)
     ORDER BY pid`,
    [database ?? null],
  );
  return rows;
}
