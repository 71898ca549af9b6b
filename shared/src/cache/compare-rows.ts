/** How much values of a row have changed. */
export interface RowChange {
  readonly category: string;
  /** Values that are not the same bits. */
  readonly changed: number;
  /** The largest relative change, and where it is; the cell's position times the outputs, plus the output's. */
  readonly largest: number;
  readonly position: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Compares two rows of one shape, value by value. The relative change of a value is its difference by the larger of the two
 * sizes: 0 for equal ones, 1 for one that came from or went to 0, 2 at most. What is no number differs infinitely.
 */
export function compareRows(category: string, before: Float32Array, after: Float32Array): RowChange {
  let changed = 0;
  let largest = 0;
  let position = 0;
  for (let i = 0; i < before.length; i++) {
    const [from, to] = [before[i] as number, after[i] as number];
    if (Object.is(from, to)) continue;
    changed += 1;
    const change = relativeChange(from, to);
    if (change > largest || changed === 1) [largest, position] = [change, i];
  }
  return { category, changed, largest, position, from: before[position] as number, to: after[position] as number };
}

export function relativeChange(from: number, to: number): number {
  if (Number.isNaN(from) && Number.isNaN(to)) return 0;
  const size = Math.max(Math.abs(from), Math.abs(to));
  if (size === 0) return 0;
  const change = Math.abs(to - from) / size;
  return Number.isNaN(change) ? Number.POSITIVE_INFINITY : change;
}
