import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  isBrokenCircuitError,
} from 'cockatiel';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { makePostgres } from '../connections/postgres';
import { makeRedis } from '../connections/redis';
import { RowStore } from '../store/row-store';
import type { StoreTargets } from './protocol';

/** How long Postgres is left alone after it failed: batches must not each wait for a server that is away. */
const POSTGRES_PAUSE_MS = 5_000;

/** The connections of one inference process, opened at the first batch and kept while the targets stay the same. */
export class BatchStores {
  readonly redis: Redis;
  private readonly rows: RowStore;
  private readonly breaker: CircuitBreakerPolicy;
  /** Why the breaker opened. */
  private lastError: unknown;
  private readonly pool: Pool;

  constructor(targets: StoreTargets) {
    // Errors of connections surface in the commands that need them.
    const ignore = (): void => undefined;
    this.redis = makeRedis(targets.cacheUrl, 'writer', ignore);
    this.pool = makePostgres({ ...targets.postgres, poolSize: 1 }, ignore);
    this.rows = new RowStore(this.pool);
    this.breaker = circuitBreaker(handleAll, { halfOpenAfter: POSTGRES_PAUSE_MS, breaker: new ConsecutiveBreaker(1) });
  }

  /**
   * Runs `work` on Postgres unless it failed a moment ago.
   * @throws whatever `work` throws, and the same again while Postgres is left alone
   */
  async withPostgres<T>(work: (rows: RowStore) => Promise<T>): Promise<T> {
    try {
      return await this.breaker.execute(() => work(this.rows));
    } catch (error) {
      if (!isBrokenCircuitError(error)) this.lastError = error;
      throw this.lastError ?? error;
    }
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.pool.end();
  }
}
