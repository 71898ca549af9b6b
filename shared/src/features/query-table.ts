import type { ClientBase, Pool, QueryArrayConfig, QueryArrayResult } from 'pg';
import { messageOf } from '../errors';
import { MOST_RECORDS, type RawTable } from './feature-table';

/** What the server may take to notice by itself that the time is over, before the connection is closed. */
const MARGIN_MS = 500;

/**
 * Asks PostgreSQL in a transaction that cannot write, for as long as `timeLimitMs` at most: the server ends a query that takes longer, and
 * where it does not answer at all the connection is closed.
 */
export async function queryTable(
  on: string | Pool,
  query: string,
  timeLimitMs: number,
): Promise<RawTable | { readonly problem: string }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const over = (): void => reject(new Error(`took longer than ${timeLimitMs} ms (timeLimit)`));
    timer = setTimeout(over, timeLimitMs + MARGIN_MS);
  });
  late.catch(() => undefined);
  const opening = open(on, timeLimitMs);
  try {
    const { client } = await Promise.race([opening, late]);
    return await Promise.race([ask(client, query, timeLimitMs), late]);
  } catch (error) {
    return { problem: problemOf(error, timeLimitMs) };
  } finally {
    clearTimeout(timer);
    // Also one that comes when nobody waits for it any more.
    opening.then(
      ({ end }) => end(),
      () => undefined,
    );
  }
}

interface Opened {
  readonly client: ClientBase;
  /** Closes the connection, whatever it is doing. */
  readonly end: () => void;
}

async function open(on: string | Pool, timeLimitMs: number): Promise<Opened> {
  const ignore = (): void => undefined;
  if (typeof on !== 'string') {
    const client = await on.connect();
    client.on('error', ignore);
    return { client, end: () => client.release(true) };
  }
  // Loaded where it is needed: who reads from Redis alone has no use for it.
  const { Client } = require('pg') as typeof import('pg');
  const client = new Client({
    connectionString: on,
    connectionTimeoutMillis: timeLimitMs,
    application_name: 'forewarm features',
  });
  client.on('error', ignore);
  await client.connect();
  // A goodbye waits for the end of what is under way.
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  return { client, end: () => stream.destroy() };
}

async function ask(client: ClientBase, query: string, timeLimitMs: number): Promise<RawTable> {
  await client.query('BEGIN READ ONLY');
  await client.query(`SET LOCAL statement_timeout = ${Math.ceil(timeLimitMs)}`);
  // As a part of another it is one query and nothing else, and ends where there is too much of it.
  const bounded = `SELECT * FROM (\n${withoutEnd(query)}\n) AS features LIMIT ${MOST_RECORDS + 1}`;
  const result: QueryArrayResult<unknown[]> = await client.query({
    ...{ text: bounded, rowMode: 'array' },
    // The protocol that takes one statement: the simple one takes several, and with them an end of the transaction.
    queryMode: 'extended',
  } as QueryArrayConfig);
  await client.query('ROLLBACK');
  return {
    columns: result.fields.map(({ name }) => name),
    records: result.rows,
    whereIs: (record) => `row ${record + 1}`,
  };
}

/** People end a statement with a semicolon. */
export function withoutEnd(query: string): string {
  return query.trim().replace(/;+$/, '').trimEnd();
}

function problemOf(error: unknown, timeLimitMs: number): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === '57014') return `the query took longer than ${timeLimitMs} ms (timeLimit)`;
  if (code === '25006') return 'the query writes; it is run in a transaction that only reads';
  return `the query failed: ${messageOf(error)}${typeof code === 'string' ? ` (${code})` : ''}`;
}
