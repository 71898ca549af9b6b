import type { PlainError } from '../errors';
import type { FeatureRows, ModelMapping, ModelSpec, RowInputs } from '../model/spec';

/** What crosses the border to an inference process. Rows do for readers alone: those of a cycle the process writes. */

/** Where an inference process writes what it computed. */
export interface StoreTargets {
  readonly keyPrefix: string;
  readonly cacheUrl: string;
  readonly postgres: { readonly url: string; readonly connectTimeoutMs: number; readonly statementTimeoutMs: number };
}

/**
 * `compute` computes every row. `fill` keeps good rows that the cache has, copies those that Postgres has, and computes the
 * rest; `refresh` does the same, but computes what is older than `maxAgeMs` too.
 */
export const BATCH_MODES = ['compute', 'fill', 'refresh'] as const;
export type BatchMode = (typeof BATCH_MODES)[number];

export interface BatchTask {
  readonly spec: ModelSpec;
  readonly categories: readonly string[];
  readonly mode: BatchMode;
  /** Whether hashes of inputs are kept, and a row whose inputs have changed is not good. */
  readonly trackInputs: boolean;
  /** Age from which a row is computed anew; `undefined` means never. */
  readonly maxAgeMs: number | undefined;
  /** Whether rows that are kept are copied to Postgres too, which was away when they were computed. */
  readonly copyKept: boolean;
  readonly expireAfterMs: number | undefined;
  readonly inputs: RowInputs;
  readonly stores: StoreTargets;
}

export interface InspectTask {
  readonly mapping: ModelMapping;
  /** Categories to try the model on, until it takes one. */
  readonly probeCategories: readonly string[];
  /** Of those, where the model takes some. */
  readonly features?: FeatureRows | undefined;
}

/** A file to be looked into, whatever model it is. */
export interface DescribeTask {
  readonly file: string;
}

/** Rows for a reader, which has them at once; nothing is written. */
export interface RowsTask {
  readonly spec: ModelSpec;
  readonly categories: readonly string[];
  /** Of those, where the model takes some. */
  readonly features?: FeatureRows | undefined;
}

export interface PackedRow {
  readonly category: string;
  readonly bytes: Buffer;
  /** Milliseconds since 1970 UTC. */
  readonly computedAtMs: number;
}

export interface RowsAnswer {
  readonly rows: readonly PackedRow[];
  /** Categories that the model refused: those have no row. */
  readonly failures: readonly CategoryFailure[];
}

/** Why one category has no new row; its old one was left in place. */
export interface CategoryFailure extends Pick<PlainError, 'code' | 'message'> {
  readonly category: string;
  /** Of the value that is not finite, where that is why: among the K·C of the row. */
  readonly position?: number | undefined;
}

/** Failures beyond this number are counted, not listed. */
export const LISTED_FAILURES = 20;

/** Small on purpose: one of these per batch goes through the queue. */
export interface BatchSummary {
  readonly computed: number;
  /** Rows copied from Postgres to the cache. */
  readonly restored: number;
  /** Rows found valid in the cache and left as they were. */
  readonly verified: number;
  readonly failed: number;
  /** The first of them, with causes. */
  readonly failures: readonly CategoryFailure[];
  /** All of them. */
  readonly failedCategories: readonly string[];
  /** Of those written, rows that the cache had lost; absent from a worker of an older version. */
  readonly lost?: number;
  /** Rows now in Postgres as they are in the cache. */
  readonly durable: number;
  /** Why Postgres was not reached, where it was not. */
  readonly durableError: string | undefined;
  readonly timings: BatchTimings;
}

/**
 * Milliseconds. Writing goes on beside the inference of what comes after, and batches beside each other: sums exceed the cycle's
 * duration.
 */
export interface BatchTimings {
  /** From the batch's beginning in its process to its end. */
  readonly wallMs: number;
  readonly loadMs: number;
  /** Reading and checking what is there already. */
  readonly readMs: number;
  readonly featuresMs: number;
  readonly inferMs: number;
  readonly packMs: number;
  readonly redisMs: number;
  readonly postgresMs: number;
}

/** Sent by the process before it begins, so that a time limit can be enforced on it by its number. */
export interface TaskStarted {
  readonly pid: number;
}

/**
 * How a process ends that was given a batch of a model of which it holds another generation. The runtime does not give back
 * all memory of a model that it has loaded, so that a changed model gets new processes. Such a batch was not begun.
 */
export const OUTDATED_EXIT_CODE = 75;
