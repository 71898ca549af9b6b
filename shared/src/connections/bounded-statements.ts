import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { TimeLimit } from '../time-limit';
import type { Statements } from './postgres';

/**
 * Single statements on somebody's pool, none of which keeps a connection for longer than `limitMs`, however the pool was
 * made: the connection of one that takes longer is closed, which the pool replaces.
 */
export class BoundedStatements implements Statements {
  private readonly pool: Pool;
  private readonly limit: TimeLimit;

  /** @param limitMs of a statement, with the wait for a connection */
  constructor(pool: Pool, limitMs: number) {
    this.pool = pool;
    this.limit = new TimeLimit(limitMs);
  }

  async query<R extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<R>> {
    let expire: (error: Error) => void = () => undefined;
    const expiry = new Promise<never>((_, reject) => {
      expire = reject;
    });
    expiry.catch(() => undefined);
    const wait = this.limit.watch(() => expire(new Error(`took longer than ${this.limit.limitMs} ms`)));
    try {
      const client = await Promise.race([this.connect(expiry), expiry]);
      return await runOn<R>(client, statement, expiry);
    } finally {
      wait.end();
    }
  }

  /** Ends the waits for what is under way. */
  close(): void {
    this.limit.close();
  }

  /** A connection that comes when nobody waits for it any more goes back at once. */
  private async connect(expiry: Promise<never>): Promise<PoolClient> {
    let expired = false;
    expiry.catch(() => {
      expired = true;
    });
    const client = await this.pool.connect();
    if (expired) client.release();
    return client;
  }
}

/** Releasing a client with an error closes its connection, also one in the middle of a statement. */
async function runOn<R extends QueryResultRow>(
  client: PoolClient,
  statement: QueryConfig,
  expiry: Promise<never>,
): Promise<QueryResult<R>> {
  // The connection of a client that is checked out may fail, which is told to the statement as well.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  const running = client.query<R>(statement);
  try {
    const result = await Promise.race([running, expiry]);
    client.release();
    return result;
  } catch (error) {
    running.catch(ignore);
    client.release(isOfServer(error) ? undefined : true);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}

/** Whether the server refused the statement: its connection is as good as before. */
function isOfServer(error: unknown): boolean {
  return typeof (error as { severity?: unknown } | null)?.severity === 'string';
}
