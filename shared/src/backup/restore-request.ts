import type { Axis } from '../cache/grid';
import type { GateSettings } from '../rollout/gates';

export interface RestoreRequest {
  /** What the configuration says of the model. */
  readonly axes: readonly Axis[];
  /** Names of the values of a cell; `undefined` where only the model file knows them. */
  readonly outputs: readonly string[] | undefined;
  readonly categories: readonly string[];
  readonly expireAfterMs: number | undefined;
  /**
   * The generation of the configured model file, which stays away until somebody unpins when another is published over it; `null`
   * to pin nothing.
   */
  readonly pinOver: string | null;
  /** Whether rows are written that are whole and as new. */
  readonly overwrite: boolean;
  /** Whether a backup that lacks rows may replace a generation. */
  readonly allowIncomplete: boolean;
  /** What another generation is held to before it replaces the live one; `undefined` for nothing. */
  readonly gates: GateSettings | undefined;
  readonly dryRun: boolean;
  /** Milliseconds since the backup was begun; `undefined` for any. */
  readonly maxAgeMs: number | undefined;
  /** Who restores, for whoever finds the lease. */
  readonly by: string;
}

export interface RestoreSummary {
  readonly model: string;
  readonly name: string;
  readonly generation: string;
  /** `live`: rows of the live generation were mended; `beside`: another was written beside it, and published. */
  readonly mode: 'live' | 'beside';
  /** Rows in the backup. */
  readonly rows: number;
  readonly written: number;
  /** Of those written: rows that were not there, not whole, or older. */
  readonly absent: number;
  readonly corrupt: number;
  readonly older: number;
  /** Rows that were there, whole and as new. */
  readonly kept: number;
  /** Rows of categories that the configuration does not have. */
  readonly skipped: number;
  /** Whether Postgres has the rows as well. */
  readonly durable: boolean;
  /** What was live before, where that is not any more. */
  readonly replaced: string | null;
  readonly published: boolean;
  readonly pinned: boolean;
  readonly dryRun: boolean;
  readonly durationMs: number;
}
