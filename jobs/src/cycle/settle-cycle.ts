import type { CycleState } from '#shared/cache/pointer';
import type { BatchSummary } from '#shared/inference/protocol';
import type { BatchRecord, RowCounts } from '#shared/store/history-store';
import type { ChildResults } from '../define-job';
import { batchNumber } from './cycle-id';
import type { CyclePayload } from './payloads';

/** What a cycle came to. */
export interface SettledCycle extends RowCounts {
  readonly state: Extract<CycleState, 'complete' | 'degraded' | 'failed'>;
  /** Why it is not complete; one line that names categories and causes. */
  readonly reason: string | null;
  /** Whether each row that the cycle had to see to was computed, restored or verified. */
  readonly everyRow: boolean;
  readonly batches: readonly BatchRecord[];
}

/** Causes and categories that a reason names before it only counts. */
const NAMED = 3;

/** Which batches a cycle had. */
export type BatchesOf = Pick<CyclePayload, 'batchSizes' | 'batchStarts'>;

/**
 * Joins the results of a cycle's batches. Pure. A cycle is `failed` when it brought no row at all, `degraded` when a row
 * failed or the durable copy is behind, and `complete` otherwise.
 */
export function settleCycle(payload: BatchesOf, children: ChildResults): SettledCycle {
  const summaries = byNumber(children.values) as ReadonlyMap<number, BatchSummary>;
  const errors = byNumber(children.failures) as ReadonlyMap<number, string>;
  const batches = payload.batchSizes.map((categories, number) => {
    const summary = summaries.get(number);
    return summary === undefined
      ? failedBatch(number, categories, errors.get(number) ?? 'its result is missing')
      : endedBatch(number, categories, summary);
  });
  const counts = sum(batches);
  const durableErrors = [...summaries.values()].flatMap((summary) => summary.durableError ?? []);
  const brought = counts.computed + counts.restored + counts.verified;
  const state = brought === 0 ? 'failed' : counts.failed > 0 || durableErrors.length > 0 ? 'degraded' : 'complete';
  const reasons = [...rowReasons(payload, batches, counts.failed), ...postgresReason(durableErrors)];
  return {
    ...counts,
    state,
    reason: reasons.length === 0 ? null : reasons.join('; '),
    everyRow: counts.failed === 0,
    batches,
  };
}

function endedBatch(number: number, categories: number, summary: BatchSummary): BatchRecord {
  const { computed, restored, verified, failed, durable, timings, failures, durableError } = summary;
  const state = failed > 0 || durableError !== undefined ? 'degraded' : 'complete';
  const counts = { computed, restored, verified, failed, durable };
  return { number, state, categories, ...counts, timings, failures, error: durableError ?? null };
}

function failedBatch(number: number, categories: number, error: string): BatchRecord {
  const counts = { computed: 0, restored: 0, verified: 0, failed: categories, durable: 0 };
  return { number, state: 'failed', categories, ...counts, timings: null, failures: [], error };
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
  const rows =
    failed === 1 ? '1 row failed and kept its old values' : `${failed} rows failed and kept their old values`;
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
