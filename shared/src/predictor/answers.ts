import type { Axis, Coordinates } from '../cache/grid';
import type { ForewarmError } from '../errors';
import type { GenerationFacts } from '../tiers/tier';
import type { TierName } from '../tiers/tier-name';
import type { TierListener } from './tried-tier';

/** Where an answer comes from, and how old it is. */
export interface Provenance {
  readonly tier: TierName;
  /** 12 hexadecimal digits. */
  readonly generation: string;
  readonly modelVersion: string;
  /** ISO 8601 UTC. */
  readonly computedAt: string;
  /** Never negative: a clock that is ahead is not shown as a negative age. */
  readonly ageMs: number;
  /** Neither computed nor verified within `staleAfterMs`. */
  readonly stale: boolean;
}

/** A prediction with where it came from. */
export interface Answer extends Provenance {
  /** By the names of the model's outputs. */
  readonly values: Readonly<Record<string, number>>;
}

/** Every prediction of one category, with where they came from. */
export interface RowAnswer extends Provenance {
  /** The grid: cells in axis order, the last axis varies fastest. */
  readonly axes: readonly Axis[];
  /** Names of the K outputs of a cell. */
  readonly outputs: readonly string[];
  /** Cell by cell, K values each. */
  readonly values: Float32Array;
}

/** A row as it is stored (`docs/cache-format.md`), with where it came from. */
export interface RowBytesAnswer extends Provenance {
  readonly bytes: Buffer;
}

/** One prediction that is asked for. */
export interface Question {
  readonly model: string;
  readonly category: string;
  /** One value for each axis; text is taken as well, as from a query string. */
  readonly coordinates: Coordinates;
}

/** What became of one question of many, as `Promise.allSettled` would say it. */
export type Outcome =
  | { readonly status: 'fulfilled'; readonly value: Answer }
  | { readonly status: 'rejected'; readonly reason: ForewarmError };

/** What a reader knows of a model, and from where. */
export interface ModelDescription extends GenerationFacts {
  /** ISO 8601 UTC: when every row was last computed or verified; `undefined` when no cycle has said so. */
  readonly lastUpdated: string | undefined;
  /** ISO 8601 UTC: the newest time in the features that the last cycle used; `undefined` where there is none. */
  readonly dataUpdated: string | undefined;
  /** The tier that said so. */
  readonly tier: Exclude<TierName, 'memory'>;
}

export interface CallOptions {
  /** Ends the call early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the call may take at most. Default: the predictor's. */
  readonly deadlineMs?: number | undefined;
  /** Told of each tier that was asked for a row of the call, for each row, when it has answered: for traces. */
  readonly onTier?: TierListener | undefined;
}
