import type { Axis } from '../cache/grid';
import type { KeySpace } from '../cache/keys';
import type { Row, RowFault } from '../cache/row';
import type { TierName } from './answers';

/** The generation of a model that readers are given, and all that is needed to find a row of it and a cell in that. */
export interface LiveGeneration {
  readonly model: string;
  readonly keys: KeySpace;
  /** 12 hexadecimal digits: the first of the identity hash. */
  readonly generation: string;
  readonly modelVersion: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
  /** Cells of a row: the product of the axes' lengths. */
  readonly cells: number;
}

/** A row that was found and checked in full. */
export interface FoundRow {
  readonly category: string;
  /** As stored. */
  readonly bytes: Buffer;
  readonly row: Row;
}

/** What a tier has of the rows that it was asked for; it does not have the others. */
export interface TierRows {
  readonly found: readonly FoundRow[];
  /** Rows that are there and must not be returned: what is wrong with them, and their bytes. */
  readonly corrupt: readonly CorruptRow[];
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
  close(): Promise<void>;
}
