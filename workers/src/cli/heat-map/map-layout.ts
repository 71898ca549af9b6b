import type { Axis } from '#shared/cache/grid';
import { printable, widthOf } from '../terminal-text';
import { type CellNumbers, numberFormats } from './cell-numbers';
import type { GridSlice } from './grid-slice';
import { type Scale, scaleOf } from './scale';

/** Before each line. */
export const INDENT = 2;
const LABEL_MAX = 24;
/** More of a label is not worth wider cells. */
const COLUMN_LABEL_MAX = 12;
/** Longer numbers are not worth more bands. */
const BANDED_NUMBER_MAX = 5;
/** A cell that shows only its colour. */
const BLOCK_MAX = 3;

/** How a slice is laid out on so many columns of a terminal. */
export interface MapLayout {
  readonly columns: number;
  readonly scale: Scale | undefined;
  /** Columns beside the labels of the lines. */
  readonly room: number;
  /** Columns for the labels of the lines; 0 for a single line. */
  readonly labelWidth: number;
  readonly cellWidth: number;
  /** Columns of a cell that stay free behind its number. */
  readonly gap: 0 | 1;
  /** `undefined` for cells that show only their colour. */
  readonly numbers: CellNumbers | undefined;
  /** Parts of the lines, one below the other where they are too long: positions on the axis, the second one not included. */
  readonly bands: readonly (readonly [from: number, to: number])[];
}

/**
 * Fits a slice into `columns`: with numbers of fewer digits, then (with `colours`) as cells without numbers, and at last in
 * several bands.
 */
export function layOut(slice: GridSlice, columns: number, colours: boolean): MapLayout {
  const scale = scaleOf(slice);
  const labelWidth = widthOfLabels(slice.down, columns);
  const room = Math.max(1, columns - INDENT - labelWidth - (labelWidth === 0 ? 0 : 1));
  const count = slice.across.values.length;
  const each = Math.floor(room / count);
  const formats = numberFormats(scale?.lowest.value ?? 0, scale?.highest.value ?? 0, scale?.whole ?? true);
  const layout = { columns, scale, labelWidth, room };

  const fitting = formats.find(({ width }) => width + 1 <= each);
  if (fitting !== undefined) {
    const wanted = widthOfCell(fitting, slice.across);
    const gap = wanted + 1 <= each ? 1 : 0;
    return { ...layout, numbers: fitting, cellWidth: Math.min(each, wanted + gap), gap, bands: [[0, count]] };
  }
  if (colours) {
    const cellWidth = Math.min(BLOCK_MAX, Math.max(1, each));
    return { ...layout, numbers: undefined, cellWidth, gap: 0, bands: bandsOf(count, Math.floor(room / cellWidth)) };
  }
  const numbers = (formats.find(({ width }) => width <= BANDED_NUMBER_MAX) ?? formats.at(-1)) as CellNumbers;
  const cellWidth = Math.min(widthOfCell(numbers, slice.across), Math.max(room, numbers.width + 1));
  return { ...layout, numbers, cellWidth, gap: 0, bands: bandsOf(count, Math.floor(room / cellWidth)) };
}

/** For the number, or the label over it, and a column before it. */
function widthOfCell(numbers: CellNumbers, across: Axis): number {
  return Math.max(numbers.width, Math.min(COLUMN_LABEL_MAX, longest(across))) + 1;
}

/** The longest label of an axis, in columns. */
export function longest(axis: Axis): number {
  return axis.values.reduce<number>((most, value) => Math.max(most, widthOf(printable(String(value)))), 0);
}

function widthOfLabels(down: Axis | undefined, columns: number): number {
  if (down === undefined) return 0;
  return Math.min(Math.max(longest(down), widthOf(down.name)), LABEL_MAX, Math.max(1, Math.floor(columns / 3)));
}

function bandsOf(count: number, size: number): [number, number][] {
  const width = Math.max(1, size);
  return Array.from({ length: Math.ceil(count / width) }, (_, i) => [i * width, Math.min(count, (i + 1) * width)]);
}
