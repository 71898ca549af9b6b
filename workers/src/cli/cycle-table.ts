import type { CycleState } from '#shared/cache/pointer';
import type { CycleRecord, RowCounts } from '#shared/store/history-store';
import { formatElapsed, formatMoment, formatTook } from '../elapsed';
import type { Colours } from './colours';
import { type Column, type TableView, tableLines } from './table';

/** With what cycles are shown. */
export interface CycleView extends TableView {
  readonly now: Date;
  /** Whether the model is named where there is room, or always, because there are several. */
  readonly models: 'one' | 'several';
}

/** A line for each cycle; below it why it is not complete, cut to one line. */
export function cycleTable(cycles: readonly CycleRecord[], view: CycleView): string {
  const { colours, now } = view;
  const columns: Column<CycleRecord>[] = [
    { head: 'cycle', cell: ({ id }) => id },
    { head: 'model', cell: ({ model }) => model, ...(view.models === 'one' ? { spare: 2 } : {}) },
    { head: 'trigger', cell: ({ trigger }) => trigger },
    { head: 'state', cell: ({ state }) => colourOf(state, colours)(state) },
    { head: 'started', cell: ({ startedAt }) => `${formatElapsed(now.getTime() - startedAt.getTime(), 1)} ago` },
    { head: 'at (UTC)', cell: ({ startedAt }) => formatMoment(startedAt), spare: 1 },
    {
      head: 'took',
      cell: ({ durationMs }) => (durationMs === null ? '' : formatTook(durationMs)),
      right: true,
      spare: 4,
    },
    { head: 'rows', cell: ({ expected }) => String(expected), right: true, spare: 3 },
    { head: 'outcome', cell: (cycle) => describeCounts(cycle, colours), canBeCut: true },
  ];
  return tableLines(cycles, columns, view, ({ reason }) => reason).join('\n');
}

/** What became of rows, the worst first, without what did not happen: `1 failed, 5 restored, 104 computed`. */
export function describeCounts({ restored, computed, verified, failed }: RowCounts, colours: Colours): string {
  const well = Object.entries({ restored, computed, verified }).filter(([, rows]) => rows > 0);
  const words = well.map(([what, rows]) => `${rows} ${what}`);
  return [...(failed > 0 ? [colours.red(`${failed} failed`)] : []), ...words].join(', ');
}

export function colourOf(state: CycleState, colours: Colours): (text: string) => string {
  if (state === 'complete') return colours.green;
  if (state === 'failed') return colours.red;
  if (state === 'running') return colours.cyan;
  return state === 'skipped' ? colours.dim : colours.yellow;
}
