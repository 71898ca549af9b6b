import type { BatchRecord, CycleRecord } from '#shared/store/history-store';
import { formatElapsed, formatMoment, formatTook } from '../elapsed';
import { failureGroups } from './cycle-failures';
import { batchTime, stageTimes } from './cycle-stages';
import { colourOf, describeCounts } from './cycle-table';
import { shareBar } from './share-bar';
import { type Column, countColumn, type TableView, tableLines } from './table';
import { oneLine, padStart, printable, truncate } from './terminal-text';

export interface ReportView extends TableView {
  readonly now: Date;
}

/** All that the history knows of a cycle: itself, its batches, where their time went, and what failed. */
export function cycleReport(cycle: CycleRecord, batches: readonly BatchRecord[], view: ReportView): string {
  const parts = [
    aboutCycle(cycle, view),
    aboutBatches(cycle, batches, view),
    aboutStages(batches),
    aboutFailures(batches, view),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function aboutCycle(cycle: CycleRecord, { colours, now }: ReportView): string[] {
  const { id, model, generation, trigger, state, host, startedAt, durationMs, expected, durable, reason } = cycle;
  const ago = `${formatElapsed(now.getTime() - startedAt.getTime())} ago`;
  const became = describeCounts(cycle, colours);
  const facts = [
    ['model', generation === null ? model : `${model}, generation ${generation}`],
    ['trigger', `${trigger}, planned by ${printable(host)}`],
    ['started', `${formatMoment(startedAt)} UTC, ${ago}`],
    ['took', durationMs === null ? null : formatTook(durationMs)],
    ['rows', `${expected}${became === '' ? '' : `: ${became}`}${durable > 0 ? `; ${durable} are in PostgreSQL` : ''}`],
    ['reason', reason === null ? null : oneLine(reason)],
  ] as const;
  return [
    `${colours.bold(id)}  ${colourOf(state, colours)(state)}`,
    ...facts.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(8)} ${value}`])),
  ];
}

function aboutBatches(cycle: CycleRecord, batches: readonly BatchRecord[], view: ReportView): string[] {
  const { colours } = view;
  if (batches.length === 0) {
    if (cycle.batches === 0) return [];
    const planned = cycle.batches === 1 ? '1 batch' : `${cycle.batches} batches`;
    if (cycle.state === 'running') return [`${planned}, recorded when the cycle ends`];
    return [`${planned}, of which nothing is kept (history.keepBatchesOf)`];
  }
  const columns: Column<BatchRecord>[] = [
    countColumn('batch', ({ number }) => number),
    { head: 'state', cell: ({ state }) => colourOf(state, colours)(state) },
    countColumn('categories', ({ categories }) => categories),
    countColumn('computed', ({ computed }) => computed),
    countColumn('restored', ({ restored }) => restored, 2),
    countColumn('verified', ({ verified }) => verified, 2),
    { head: 'failed', cell: ({ failed }) => (failed > 0 ? colours.red(String(failed)) : '0'), right: true },
    countColumn('durable', ({ durable }) => durable, 1),
    { head: 'took', cell: (batch) => tookOf(batch), right: true },
  ];
  return tableLines(batches, columns, view, ({ error }) => error);
}

function tookOf(batch: BatchRecord): string {
  const ms = batchTime(batch);
  return ms === undefined ? '' : formatTook(ms);
}

const BAR_COLUMNS = 30;

function aboutStages(batches: readonly BatchRecord[]): string[] {
  const stages = stageTimes(batches);
  if (stages.length === 0) return [];
  const lines = stages.map(({ stage, ms, share }) => {
    const percent = share > 0 && share < 0.005 ? '<1 %' : `${(100 * share).toFixed(0)} %`;
    return `${stage.padEnd(8)} ${padStart(formatTook(ms), 8)} ${padStart(percent, 6)}  ${shareBar(share, BAR_COLUMNS)}`.trimEnd();
  });
  return [
    batches.length === 1 ? 'time by stage' : 'time by stage, all batches together',
    ...lines.map((line) => `  ${line}`),
  ];
}

/** What a report lists; --json has all. */
const CAUSES = 10;
const CATEGORIES = 10;

function aboutFailures(batches: readonly BatchRecord[], { columns, colours }: ReportView): string[] {
  const groups = failureGroups(batches);
  if (groups.length === 0) return [];
  const lines = groups
    .slice(0, CAUSES)
    .flatMap(({ cause, categories }) => [
      `  ${oneLine(cause)}`,
      ...categories
        .slice(0, CATEGORIES)
        .map((category) => colours.dim(`    ${truncate(printable(category), columns - 4)}`)),
      ...more(categories.length - CATEGORIES, '    ', 'more'),
    ]);
  return [colours.red('failed'), ...lines, ...more(groups.length - CAUSES, '  ', 'more causes')];
}

function more(count: number, indent: string, what: string): string[] {
  return count > 0 ? [`${indent}and ${count} ${what}; --json lists all`] : [];
}
