import type { Clock } from '../clock';
import type { RedisClient } from '../connections/redis';
import type { ModelFile, UnknownCategories } from '../tiers/model-source';
import type { TierName } from '../tiers/tier-name';

export interface PredictorOptions {
  /** URL of the cache Redis, or a client of ioredis, which stays the caller's. */
  readonly redis?: string | RedisClient | undefined;
  /** URL of the database, or a pool of `pg`, which stays the caller's. */
  readonly postgres?: string | PostgresPool | undefined;
  readonly models?: readonly ModelFile[] | undefined;
  /** What all keys in Redis begin with. Default `forewarm`. */
  readonly keyPrefix?: string | undefined;
  /** Rows held in this process; `false` for none. */
  readonly memory?: MemoryOptions | false | undefined;
  /** Age from which an answer is marked as stale, where the model has none of its own. Default 5 minutes. */
  readonly staleAfterMs?: number | undefined;
  /** What a call may take at most, where it has no limit of its own. Default 5,000. */
  readonly deadlineMs?: number | undefined;
  /** What one tier may take. Defaults: Redis 50, Postgres 250, the model 2,000. */
  readonly limitsMs?: Partial<Record<Exclude<TierName, 'memory'>, number>> | undefined;
  /** Whether rows of lower tiers are written to those above. Default true; `false` for who may only read. */
  readonly writeBack?: boolean | undefined;
  /** Default `compute`. */
  readonly unknownCategories?: UnknownCategories | undefined;
  /** Processes of the model tier. Default 1. */
  readonly processes?: number | undefined;
  /** What those may take over one task before they are killed, in milliseconds. Default 60,000; no call waits for so long. */
  readonly taskLimitMs?: number | undefined;
  /** Environment of those processes. Default: that of this one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Adds what was read to counts in Redis every 10 s, which the daemon shows. Default false. */
  readonly reportStats?: boolean | undefined;
  /** Told what went wrong behind answers: connections that are lost, rows that could not be written back. */
  readonly onError?: ((error: Error, tier: TierName) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** What is needed of a `Pool` of `pg`, whose types an application may not have. */
export interface PostgresPool {
  connect(): Promise<{
    // biome-ignore lint/suspicious/noExplicitAny: whatever the application's own version of `pg` says
    query(...statement: any[]): any;
    release(error?: Error | boolean): void;
  }>;
}

export interface MemoryOptions {
  /** Bytes that held rows may take. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** For how long a row is answered from memory without looking at the tiers below, however few events come. Default 10,000. */
  readonly maxAgeMs?: number | undefined;
}
