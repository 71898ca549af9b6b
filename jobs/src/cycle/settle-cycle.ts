import type { CycleState } from '#shared/cache/pointer';
import type { BatchSummary } from '#shared/inference/protocol';
import type { BatchRecord, RowCounts } from '#shared/store/history-store';
import type { ChildResults } from '../define-job';
import { batchNumber } from './cycle-id';
import type { CyclePayload } from './payloads';

/** What a cycle came to. */
export interface SettledCycle extends RowCounts {
  readonly state: Extract<CycleState, 'complete' | 'degraded' | 'failed' | 'cancelled'>;
  /** Why it is not complete; one line that names categories and causes. */
  readonly reason: string | null;
  /** Whether each row that the cycle had to see to was computed, restored or verified. */
  readonly everyRow: boolean;
  /** Whether rows could not be copied to Postgres. */
  readonly behind: boolean;
  /** Rows that it wrote because the cache had lost them: evicted, expired, or deleted by somebody else. */
  readonly lost: number;
  readonly batches: readonly BatchRecord[];
}

/** What a batch ends with that did not begin, because its cycle had been cancelled. */
export interface CancelledBatch {
  readonly cancelled: true;
}

/** Causes and categories that a reason names before it only counts. */
const NAMED = 3;

/** Which batches a cycle had. */
export type BatchesOf = Pick<CyclePayload, 'batchSizes' | 'batchStarts'>;

/**
 * Joins the results of a cycle's batches. Pure. A cycle is `cancelled` when a batch did not begin for that reason, `failed`
 * when it brought no row at all, `degraded` when a row failed or the durable copy is behind, and `complete` otherwise.
 */
export function settleCycle(payload: BatchesOf, children: ChildResults): SettledCycle {
  const results = [...byNumber(children.values)] as [number, BatchSummary | CancelledBatch][];
  const summaries = new Map(results.flatMap(([number, result]) => ('cancelled' in result ? [] : [[number, result]])));
  const cancelled = new Set(results.flatMap(([number, result]) => ('cancelled' in result ? [number] : [])));
  const errors = byNumber(children.failures) as ReadonlyMap<number, string>;
  const batches = payload.batchSizes.map((categories, number) => {
    const summary = summaries.get(number);
    if (summary !== undefined) return endedBatch(number, categories, summary);
    if (cancelled.has(number)) return withoutRows(number, categories, 'cancelled', 0, null);
    return withoutRows(number, categories, 'failed', categories, errors.get(number) ?? 'its result is missing');
  });
  const counts = sum(batches);
  const durableErrors = [...summaries.values()].flatMap((summary) => summary.durableError ?? []);
  const brought = counts.computed + counts.restored + counts.verified;
  const short = counts.failed > 0 || durableErrors.length > 0;
  const ended = brought === 0 ? 'failed' : short ? 'degraded' : 'complete';
  const reasons = [
    ...cancelReason(batches),
    ...rowReasons(payload, batches, counts.failed),
    ...postgresReason(durableErrors),
  ];
  return {
    ...counts,
    state: cancelled.size > 0 ? 'cancelled' : ended,
    reason: reasons.length === 0 ? null : reasons.join('; '),
    everyRow: counts.failed === 0 && cancelled.size === 0,
    behind: durableErrors.length > 0,
    lost: [...summaries.values()].reduce((total, { lost = 0 }) => total + lost, 0),
    batches,
  };
}

function endedBatch(number: number, categories: number, summary: BatchSummary): BatchRecord {
  const { computed, restored, verified, failed, durable, timings, failures, failedCategories, durableError } = summary;
  const state = failed > 0 || durableError !== undefined ? 'degraded' : 'complete';
  const counts = { computed, restored, verified, failed, durable };
  return { number, state, categories, ...counts, timings, failures, failedCategories, error: durableError ?? null };
}

function withoutRows(
  number: number,
  categories: number,
  state: 'failed' | 'cancelled',
  failed: number,
  error: string | null,
): BatchRecord {
  const counts = { computed: 0, restored: 0, verified: 0, failed, durable: 0 };
  return { number, state, categories, ...counts, timings: null, failures: [], failedCategories: [], error };
}

function cancelReason(batches: readonly BatchRecord[]): string[] {
  const gone = batches.filter(({ state }) => state === 'cancelled');
  const rows = gone.reduce((total, { categories }) => total + categories, 0);
  if (gone.length === 0) return [];
  return [`cancelled: ${gone.length} of ${batches.length} batches (${rows} rows) were not begun`];
}

function rowReasons(payload: BatchesOf, batches: readonly BatchRecord[], failed: number): string[] {
  const causes = [
    ...batches
      .filter((batch) => batch.state === 'failed')
      .map(({ number, categories, error }) => {
        const from = JSON.stringify(payload.batchStarts[number] ?? '');
        return `batch ${number} (${categories} categories from ${from}): ${error}`;
      }),
    ...batches.flatMap((batch) => batch.failures.map((failure) => `${failure.category}: ${failure.message}`)),
  ];
  if (failed === 0) return [];
  const more = causes.length > NAMED ? '; and others' : '';
  // Whether they keep old values is not known here: a new category has none, and a batch that crashed may have written some.
  const rows = failed === 1 ? '1 row failed' : `${failed} rows failed`;
  return [`${rows}: ${causes.slice(0, NAMED).join('; ')}${more}`];
}

function postgresReason(errors: readonly string[]): string[] {
  if (errors.length === 0) return [];
  return [`Postgres was not written by ${errors.length === 1 ? '1 batch' : `${errors.length} batches`}: ${errors[0]}`];
}

function sum(batches: readonly BatchRecord[]): RowCounts {
  const total = (count: (batch: BatchRecord) => number): number => batches.reduce((n, batch) => n + count(batch), 0);
  return {
    computed: total((batch) => batch.computed),
    restored: total((batch) => batch.restored),
    verified: total((batch) => batch.verified),
    failed: total((batch) => batch.failed),
    durable: total((batch) => batch.durable),
  };
}

function byNumber(results: Readonly<Record<string, unknown>>): Map<number, unknown> {
  return new Map(Object.entries(results).map(([key, value]) => [batchNumber(key), value]));
}
