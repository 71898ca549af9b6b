import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import type { RepeatedErrors } from '#shared/repeated-errors';
import { hasSchema, migrate } from '#shared/store/migrate';

const RETRY_MS = 1_000;
/** How often it looks whether the schema is still there: a server can come back as an empty one. */
const LOOK_MS = 10_000;

/**
 * Brings the database schema up to date, and keeps it there. While PostgreSQL is away it goes on trying beside the daemon:
 * warming does not wait for the durable copy.
 */
export class SchemaService implements Service {
  readonly name = 'database schema';
  private readonly pool: Pool;
  private readonly log: Logger;
  private readonly errors: RepeatedErrors;
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  /** Whether the schema is known to be up to date. */
  ready = false;

  constructor(pool: Pool, log: Logger, errors: RepeatedErrors) {
    this.pool = pool;
    this.log = log;
    this.errors = errors;
  }

  /** @throws ForewarmError FW_MIGRATION_FAILED */
  async start(): Promise<void> {
    if (!(await this.attempt())) this.log.warn('warming goes on without the durable copy until PostgreSQL is back');
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.watching;
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await delay(this.ready ? LOOK_MS : RETRY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.ready) this.ready = await this.isThere();
      else if (await this.retry()) this.log.info('PostgreSQL is back');
    }
  }

  /** Also when nobody answers: then nothing is known. */
  private async isThere(): Promise<boolean> {
    try {
      if (await hasSchema(this.pool)) return true;
    } catch {
      return true;
    }
    this.log.warn('the database has lost its schema, which is made anew');
    return false;
  }

  private retry(): Promise<boolean> {
    return this.attempt().catch((error: unknown) => {
      this.errors.report('migrating the database', error);
      return false;
    });
  }

  private async attempt(): Promise<boolean> {
    try {
      const ran = await migrate(this.pool);
      this.ready = true;
      if (ran.length > 0) this.log.info('database schema migrated', { migrations: ran });
      return true;
    } catch (error) {
      if (!(error instanceof ForewarmError) || error.code !== 'FW_POSTGRES_UNAVAILABLE') throw error;
      this.errors.report('waiting for PostgreSQL', error);
      return false;
    }
  }
}
