import { Pool, type PoolClient, type PoolConfig, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import { ForewarmError, messageOf } from '../errors';

export interface PostgresOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** `undefined` where whoever uses the pool bounds its statements. */
  readonly statementTimeoutMs: number | undefined;
  readonly poolSize: number;
}

/** A pool whose idle and checked-out connections cannot end the process when the server goes away. */
export function makePostgres(options: PostgresOptions, onError: (error: Error) => void): Pool {
  const config: PoolConfig = {
    connectionString: options.url,
    connectionTimeoutMillis: options.connectTimeoutMs,
    // The client's own limit: a transaction pooler refuses a connection that asks for the server's at its start.
    ...(options.statementTimeoutMs !== undefined && { query_timeout: options.statementTimeoutMs }),
    max: options.poolSize,
    keepAlive: true,
    application_name: 'forewarm',
  };
  const pool = new Pool(config);
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
}

/**
 * Runs `work` in one transaction.
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE when no connection can be had; whatever `work` throws, after a rollback
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  try {
    await transactionCommand(client, 'BEGIN');
    const result = await work(client);
    await transactionCommand(client, 'COMMIT');
    client.release();
    return result;
  } catch (error) {
    // A connection whose rollback fails is of no more use: releasing it with an error closes it.
    const rollback = await client.query('ROLLBACK').then(
      () => undefined,
      (failure: Error) => failure,
    );
    client.release(rollback);
    throw error;
  }
}

async function transactionCommand(client: PoolClient, command: 'BEGIN' | 'COMMIT'): Promise<void> {
  try {
    await client.query(command);
  } catch (error) {
    throw postgresError(error, command);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw postgresError(error, 'connecting to PostgreSQL');
  }
}

/** Takes single statements: a pool, or what bounds one. */
export interface Statements {
  query<R extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<R>>;
}

/**
 * One statement outside any transaction.
 * @param name makes it a prepared statement of that name, parsed and planned once for each connection
 * @throws ForewarmError FW_POSTGRES_UNAVAILABLE; `what` says what was being done
 */
export async function query<R extends object>(
  pool: Statements,
  text: string,
  parameters: readonly unknown[],
  what: string,
  name?: string,
): Promise<{ rows: R[]; rowCount: number }> {
  try {
    const statement = { text, values: [...parameters], ...(name !== undefined && { name }) };
    const { rows, rowCount } = await pool.query<R & Record<string, unknown>>(statement);
    return { rows, rowCount: rowCount ?? 0 };
  } catch (error) {
    throw postgresError(error, what);
  }
}

/** `invalid_sql_statement_name`, `duplicate_prepared_statement`. */
const PREPARED_LOST = ['26000', '42P05'];

/** Whether a prepared statement was lost, or met another's: a transaction pooler gave its connection to somebody else. */
export function isPreparedLost(error: unknown): boolean {
  const cause = error instanceof ForewarmError ? error.cause : error;
  return PREPARED_LOST.includes(String((cause as { code?: unknown } | null)?.code));
}

/** Whether the server understood and refused a statement, as against being away, stopping or out of connections. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|53|57)/.test(code);
}

/** Wraps what `pg` throws, keeping the server's message; `what` says what was being done. */
export function postgresError(error: unknown, what: string): ForewarmError {
  if (error instanceof ForewarmError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const suffix = typeof code === 'string' ? ` (${code})` : '';
  return new ForewarmError('FW_POSTGRES_UNAVAILABLE', `${what}: ${messageOf(error)}${suffix}`, { cause: error });
}
