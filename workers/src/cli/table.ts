import Table from 'cli-table3';
import type { Colours } from './colours';
import { oneLine, truncate, widthOf } from './terminal-text';

/** A column of a table without lines between its cells. */
export interface Column<T> {
  readonly head: string;
  /** One line; it may have colours. */
  readonly cell: (row: T) => string;
  /** Numbers end in the same column of the terminal. */
  readonly right?: boolean;
  /** Left out where lines would be too long, those with 1 first. Default: never. */
  readonly spare?: number;
  /** Whether its cells may be cut off, to no less than 16 columns, before others are left out. At most one of a table. */
  readonly canBeCut?: boolean;
}

/** A column of numbers. */
export function countColumn<T>(head: string, count: (row: T) => number, spare?: number): Column<T> {
  return { head, cell: (row) => String(count(row)), right: true, ...(spare === undefined ? {} : { spare }) };
}

const GAP = 2;
const CUT_MIN = 16;
const BORDERS = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
const LINES = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'];
const NO_LINES = Object.fromEntries([...BORDERS, ...LINES].map((name) => [name, '']));

/** Where a table is shown. */
export interface TableView {
  /** Of the terminal. */
  readonly columns: number;
  readonly colours: Colours;
}

/**
 * The line of its heads, then one line for each row, and below it what `note` says of the row, as much of it as has room
 * on one line.
 */
export function tableLines<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { columns: room, colours }: TableView,
  note: (row: T) => string | null = () => null,
): string[] {
  const { kept, widths } = fitInto(rows, columns, room);
  const table = new Table({
    head: kept.map(({ head }) => colours.dim(head)),
    colWidths: widths,
    colAligns: kept.map(({ right }) => (right ? 'right' : 'left')),
    chars: { ...NO_LINES, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => kept.map(({ cell }) => cell(row))));
  const [head = '', ...lines] = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  const noted = rows.flatMap((row, i) => {
    const text = note(row);
    return [lines[i] ?? '', ...(text === null ? [] : [colours.dim(`  ${truncate(oneLine(text), room - 2)}`)])];
  });
  return [head, ...noted];
}

/** The columns that have room, and how many columns of the terminal each of them gets. */
function fitInto<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  room: number,
): { readonly kept: readonly Column<T>[]; readonly widths: number[] } {
  const measured = columns.map((column) => {
    const width = Math.max(widthOf(column.head), ...rows.map((row) => widthOf(column.cell(row))));
    return { column, width, least: column.canBeCut ? Math.min(width, CUT_MIN) : width };
  });
  let kept = measured;
  const left = (): number => room - kept.reduce((sum, { least }) => sum + least + GAP, -GAP);
  const spare = [...new Set(columns.flatMap((column) => column.spare ?? []))].sort((a, b) => a - b);
  for (const order of spare) if (left() < 0) kept = kept.filter(({ column }) => column.spare !== order);
  const more = Math.max(0, left());
  return {
    kept: kept.map(({ column }) => column),
    widths: kept.map(({ width, least }) => Math.min(width, least + more)),
  };
}
