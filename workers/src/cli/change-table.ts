import type { RowChange } from '#shared/cache/compare-rows';
import { type Axis, cellText } from '#shared/cache/grid';
import { type TableView, tableLines } from './table';
import { oneLine } from './terminal-text';

/** The rows that changed most, each with the value of it that did; below an empty line, or nothing. */
export function changeTable(
  changes: readonly RowChange[],
  { axes, outputs }: { readonly axes: readonly Axis[]; readonly outputs: readonly string[] },
  view: TableView,
): string[] {
  if (changes.length === 0) return [];
  const where = (position: number): string => {
    const cell = cellText(axes, Math.floor(position / outputs.length));
    return outputs.length === 1 ? cell : `${cell} ${outputs[position % outputs.length]}`;
  };
  const number = (value: number): string => String(Number(value.toPrecision(7)));
  const table = tableLines(
    changes,
    [
      { head: 'category', cell: ({ category }) => oneLine(category), canBeCut: true },
      { head: 'largest change at', cell: ({ position }) => where(position) },
      { head: 'was', cell: ({ from }) => number(from), right: true },
      { head: 'is', cell: ({ to }) => number(to), right: true },
      { head: 'change', cell: (row) => `${(100 * row.largest).toPrecision(3)} %`, right: true },
    ],
    view,
  );
  return ['', ...table];
}
