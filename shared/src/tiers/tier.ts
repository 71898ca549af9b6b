import type { Axis } from '../cache/grid';
import type { KeySpace } from '../cache/keys';
import type { Metadata } from '../cache/pointer';
import type { RowFault, RowView } from '../cache/row';
import type { ForewarmError } from '../errors';
import type { CellFinder } from './cell-finder';
import type { TierName } from './tier-name';

/** What is to be known of a generation for its rows to be found, and understood. */
export interface GenerationFacts {
  readonly model: string;
  /** 12 hexadecimal digits: the first of the identity hash. */
  readonly generation: string;
  readonly modelVersion: string;
  readonly axes: readonly Axis[];
  /** Names of the K outputs of a cell. */
  readonly outputs: readonly string[];
  /** ISO 8601 UTC; `undefined` for one that was never published: its model file itself answers. */
  readonly publishedAt: string | undefined;
}

/** The generation of a model that readers are given, and all that is needed to find a row of it and a cell in that. */
export interface LiveGeneration extends GenerationFacts {
  readonly keys: KeySpace;
  /** The generation's id as 6 bytes: what the identity of its rows begins with. */
  readonly identity: Uint8Array;
  /** Cells of a row: the product of the axes' lengths. */
  readonly cells: number;
  /** Finds the cell of coordinates. */
  readonly finder: CellFinder;
}

/** A row that was found and checked in full. */
export interface FoundRow {
  readonly category: string;
  readonly row: RowView;
}

/** What a tier has of the rows that it was asked for; it does not have the others. */
export interface TierRows {
  readonly found: readonly FoundRow[];
  /** Rows that are there and must not be returned: what is wrong with them, and their bytes. */
  readonly corrupt: readonly CorruptRow[];
  /** Categories of which the tier cannot tell, where it can tell of others. */
  readonly failed?: ReadonlyMap<string, ForewarmError> | undefined;
}

export interface CorruptRow {
  readonly category: string;
  readonly bytes: Buffer;
  readonly fault: RowFault;
}

/**
 * One place where rows are found. All of them pass the same tests, `tests/conformance`.
 */
export interface Tier {
  readonly name: TierName;
  /**
   * Rows of these categories, each category once. It may take as long as it takes: who asks has a time limit.
   * @throws ForewarmError when the tier cannot tell; that a row is not there is no error
   */
  read(live: LiveGeneration, categories: readonly string[]): Promise<TierRows>;
  /**
   * Takes rows that a lower tier found. Never replaces a row by an older one.
   * @param corrupt what `read` found to be corrupt, which any row may replace
   * @throws ForewarmError when they could not be written
   */
  fill?(live: LiveGeneration, rows: readonly FoundRow[], corrupt: readonly CorruptRow[]): Promise<void>;
  /** Why the tier will never have a row of this category, where it knows. */
  refusal?(live: LiveGeneration, category: string): ForewarmError | undefined;
  /** What the tier knows to be live of a model; `undefined` when it knows of nothing. */
  published?(model: string): Promise<Published | undefined>;
  close(): Promise<void>;
}

/** What a tier knows to be live. */
export interface Published {
  readonly live: LiveGeneration;
  /** Of the last cycle of this generation, where the tier has it. */
  readonly metadata?: Metadata | undefined;
}
