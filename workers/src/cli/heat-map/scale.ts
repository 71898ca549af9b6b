import type { GridSlice } from './grid-slice';

/** Where a value lies in the slice, by the positions on its two axes. */
export interface Extreme {
  readonly value: number;
  readonly down: number;
  readonly across: number;
}

/** The numbers that a slice spans. */
export interface Scale {
  readonly lowest: Extreme;
  readonly highest: Extreme;
  /** Whether all numbers are whole. */
  readonly whole: boolean;
}

/** `undefined` when no number of the slice is finite. */
export function scaleOf({ values }: Pick<GridSlice, 'values'>): Scale | undefined {
  let lowest: Extreme | undefined;
  let highest: Extreme | undefined;
  let whole = true;
  values.forEach((line, down) => {
    line.forEach((value, across) => {
      if (!Number.isFinite(value)) return;
      whole &&= Number.isInteger(value);
      if (lowest === undefined || value < lowest.value) lowest = { value, down, across };
      if (highest === undefined || value > highest.value) highest = { value, down, across };
    });
  });
  return lowest === undefined || highest === undefined ? undefined : { lowest, highest, whole };
}

/** The share of the scale at which a value lies, 0 to 1; the middle where all are the same. */
export function shareOf(value: number, { lowest, highest }: Scale): number {
  const span = highest.value - lowest.value;
  return span === 0 ? 0.5 : (value - lowest.value) / span;
}
