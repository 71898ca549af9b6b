import { Client } from 'pg';
import { POSTGRES_USER } from './postgres-cluster';

/** `absent`: it is ready, but has no such database. `refused`: it wants another password. */
export type ProbeAnswer = 'ready' | 'starting' | 'absent' | 'refused' | 'silent';

const ANSWERS: Readonly<Record<string, ProbeAnswer>> = {
  // https://www.postgresql.org/docs/18/errcodes-appendix.html
  '57P03': 'starting',
  '3D000': 'absent',
  '28P01': 'refused',
};

/** What one connection finds, never longer than `timeoutMs`. Never throws. */
export async function probePostgres(url: string, timeoutMs: number): Promise<ProbeAnswer> {
  try {
    await withClient(url, timeoutMs, async () => undefined);
    return 'ready';
  } catch (error) {
    return ANSWERS[(error as { readonly code?: string }).code ?? ''] ?? 'silent';
  }
}

/** Creates the database `forewarm`, by a connection to the one that every cluster has. */
export async function createDatabase(url: string, timeoutMs: number): Promise<void> {
  await withClient(url, timeoutMs, (client) => client.query(`CREATE DATABASE ${POSTGRES_USER}`));
}

async function withClient(url: string, timeoutMs: number, use: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    ssl: false,
  });
  // An error without a listener would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
