import type { Axis } from '../cache/grid';
import type { ModelCache } from '../cache/model-cache';
import type { RowView } from '../cache/row';
import { slices } from '../cache/slices';

/** A generation as far as its rows can be read and compared. */
export interface ComparedGeneration {
  readonly generation: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
}

export interface RowPair {
  readonly category: string;
  /** `undefined` where there is no whole row. */
  readonly row: RowView | undefined;
  /** The other generation's; `undefined` also where it has another shape. */
  readonly other: RowView | undefined;
}

/** Values that are held at once, in whole rows of both. */
const SLICE_VALUES = 16_384;

/** Whether the values of two generations stand for the same cells and outputs. */
export function areComparable(a: ComparedGeneration, b: ComparedGeneration): boolean {
  return JSON.stringify([a.axes, a.outputs]) === JSON.stringify([b.axes, b.outputs]);
}

/**
 * The rows of some categories of a generation, each with that of another, in slices: between them whoever else waits has its turn.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function* pairRows(
  cache: ModelCache,
  categories: readonly string[],
  one: ComparedGeneration,
  other: ComparedGeneration | undefined,
): AsyncGenerator<RowPair[]> {
  const values = one.axes.reduce((cells, axis) => cells * axis.values.length, one.outputs.length);
  const comparable = other !== undefined && areComparable(one, other) ? other : undefined;
  for (const slice of slices(categories, Math.max(1, Math.floor(SLICE_VALUES / values)))) {
    const [rows, others] = await Promise.all([
      cache.wholeRows(one, slice),
      comparable === undefined ? new Map<string, RowView>() : cache.wholeRows(comparable, slice),
    ]);
    yield slice.map((category) => ({ category, row: rows.get(category), other: others.get(category) }));
  }
}
