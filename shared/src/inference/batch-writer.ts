import type { KeySpace } from '../cache/keys';
import { type WrittenRows, writeRows } from '../cache/row-writer';
import { asForewarmError, messageOf } from '../errors';
import type { ComputedRow, StoredRow } from '../store/row-store';
import type { BatchStores } from './batch-stores';
import type { BatchTask } from './protocol';

/** What became of the rows of a batch that were given to a writer. */
export interface Written {
  /** Rows that the cache had lost. */
  readonly lost: number;
  /** Rows that are in Postgres now. */
  readonly durable: number;
  /** Why Postgres was not reached, where it was not. */
  readonly durableError: string | undefined;
  /** Milliseconds; beside the inference of what came after, so that they are not time lost. */
  readonly redisMs: number;
  readonly postgresMs: number;
}

/**
 * Writes the rows of one batch while others are still computed: to the cache first, which is what readers wait for, then to
 * Postgres, each in the order in which they came.
 */
export class BatchWriter {
  private readonly task: BatchTask;
  private readonly keys: KeySpace;
  private readonly stores: BatchStores;
  private readonly now: () => number;
  private cache: Promise<void> = Promise.resolve();
  private copies: Promise<void> = Promise.resolve();
  /** The first refusal of the cache: what comes after it is not written. */
  private refusal: unknown;
  private lost = 0;
  private durable = 0;
  private durableError: string | undefined;
  private redisMs = 0;
  private postgresMs = 0;

  /** @param now the clock of the rows' `computedAtMs` */
  constructor(task: BatchTask, keys: KeySpace, stores: BatchStores, now: () => number) {
    this.task = task;
    this.keys = keys;
    this.stores = stores;
    this.now = now;
  }

  /** Rows that are in Postgres already. */
  restore(rows: readonly StoredRow[]): void {
    this.durable += rows.length;
    // What Postgres has of this generation was in the cache once.
    this.toCache(rows, ({ absent }) => absent);
  }

  /** New rows. */
  write(rows: readonly ComputedRow[]): void {
    // Where the index was lost with its rows, they cannot be told from rows that never were.
    this.toCache(rows, ({ absent, unindexed }) => Math.max(0, absent - unindexed));
    this.copy(rows);
  }

  /** Rows that are in the cache already. */
  copy(rows: readonly ComputedRow[]): void {
    if (rows.length === 0) return;
    const written = this.cache;
    this.copies = this.copies.then(async () => {
      await written;
      // Postgres never has what readers were not given.
      if (this.refusal === undefined) await this.toPostgres(rows);
    });
  }

  /**
   * Waits until all is written.
   * @throws ForewarmError FW_REDIS_WRITE_FAILED when the cache refused rows; Postgres being away does not
   */
  async end(): Promise<Written> {
    await this.cache;
    await this.copies;
    if (this.refusal !== undefined) throw asForewarmError(this.refusal, 'FW_REDIS_WRITE_FAILED');
    const { lost, durable, durableError, redisMs, postgresMs } = this;
    return { lost, durable, durableError, redisMs, postgresMs };
  }

  private toCache(rows: readonly StoredRow[], lostOf: (written: WrittenRows) => number): void {
    if (rows.length === 0) return;
    const { spec, expireAfterMs } = this.task;
    this.cache = this.cache.then(async () => {
      if (this.refusal !== undefined) return;
      const began = performance.now();
      try {
        this.lost += lostOf(await writeRows(this.stores.redis, this.keys, spec.generation, rows, expireAfterMs));
      } catch (error) {
        this.refusal = error;
      }
      this.redisMs += performance.now() - began;
    });
  }

  private async toPostgres(rows: readonly ComputedRow[]): Promise<void> {
    const { name, generation } = this.task.spec;
    const began = performance.now();
    try {
      await this.stores.withPostgres((store) => store.upsert(name, generation, rows, this.now()));
      this.durable += rows.length;
    } catch (error) {
      this.durableError ??= messageOf(error);
    }
    this.postgresMs += performance.now() - began;
  }
}
