import type { TierName } from '../tiers/tier-name';

/** What became of the rows that a tier was asked for. */
export const READ_OUTCOMES = ['hit', 'miss', 'error', 'corrupt', 'skipped'] as const;
export type ReadOutcome = (typeof READ_OUTCOMES)[number];

/** Counts since the predictor was made, of one model and one tier. */
export interface TierStats {
  /** Rows that the tier had; of memory, answers. */
  readonly hit: number;
  readonly miss: number;
  /** The tier could not tell. */
  readonly error: number;
  readonly corrupt: number;
  /** It was not asked, because it had failed a moment ago. */
  readonly skipped: number;
  /** Answers from it that were stale. */
  readonly stale: number;
  /**
   * Its reads by how long they took: upper bounds in microseconds, and how many took at most that and more than the bound
   * before. Of memory, every 64th read.
   */
  readonly latency: readonly { readonly atMostUs: number; readonly count: number }[];
}

export interface ReaderStats {
  /** By model, then by tier; tiers that were never asked are left out. */
  readonly models: Readonly<Record<string, Readonly<Partial<Record<TierName, TierStats>>>>>;
  /** Calls that were rejected because every tier had failed, or for want of time. */
  readonly failedCalls: number;
  /** Rows that were written to a tier above the one that had them. */
  readonly writtenBack: number;
  /** Each tier that its circuit breaker guards, and whether it is left alone now because it had failed several times in a row. */
  readonly breakers: readonly { readonly model: string; readonly tier: TierName; readonly resting: boolean }[];
  /** Rows held in memory, and the bytes that they take. */
  readonly memory: { readonly rows: number; readonly bytes: number };
}
