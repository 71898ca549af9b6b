import type { KeySpace } from '../cache/keys';
import { decodeRow, type RowFrame } from '../cache/row';
import { readRows } from '../cache/row-reader';
import { rowFrame } from '../model/spec';
import type { ComputedRow, StoredRow } from '../store/row-store';
import type { BatchStores } from './batch-stores';
import { planRow, type RowCopy, type RowDemands } from './plan-row';
import type { BatchTask } from './protocol';

/** What becomes of the rows of one batch. */
export interface BatchPlan {
  /** Rows that stay as they are in the cache. */
  readonly kept: readonly ComputedRow[];
  /** Rows of Postgres to be written to the cache. */
  readonly restored: readonly StoredRow[];
  /** Categories to be computed. */
  readonly wanted: readonly string[];
}

/**
 * Looks at what the cache has and, for the rest, at what Postgres has; a Postgres that is away has nothing.
 * @param inputs hash of a category's inputs now, where they are tracked
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function planBatch(
  task: BatchTask,
  keys: KeySpace,
  stores: BatchStores,
  inputs: ((category: string) => Buffer) | undefined,
  nowMs: number,
): Promise<BatchPlan> {
  const frame = rowFrame(task.spec);
  const { generation } = task.spec;
  const demands = (category: string): RowDemands => ({ inputs: inputs?.(category), maxAgeMs: task.maxAgeMs, nowMs });
  const cached = await readRows(stores.redis, keys, task.categories, {
    generation,
    frame,
    inputs: inputs !== undefined,
  });
  const kept: ComputedRow[] = [];
  const absent: string[] = [];
  for (const category of task.categories) {
    const there = cached.get(category);
    const keep = planRow(there, undefined, demands(category)) === 'keep';
    if (keep && there !== undefined) kept.push({ category, ...there });
    else absent.push(category);
  }
  const stored = await fromPostgres(task, absent, frame, stores, nowMs);
  const restored: StoredRow[] = [];
  const wanted: string[] = [];
  for (const category of absent) {
    const copy = stored.get(category);
    const restore = planRow(cached.get(category), copy?.copy, demands(category)) === 'restore';
    if (restore && copy !== undefined) restored.push(copy.row);
    else wanted.push(category);
  }
  return { kept, restored, wanted };
}

async function fromPostgres(
  task: BatchTask,
  categories: readonly string[],
  frame: RowFrame,
  stores: BatchStores,
  nowMs: number,
): Promise<Map<string, { row: StoredRow; copy: RowCopy }>> {
  if (categories.length === 0) return new Map();
  const { expireAfterMs } = task;
  const { name, generation } = task.spec;
  const rows = await stores.withPostgres((store) => store.read(name, generation, categories)).catch(() => []);
  return new Map(
    rows.map((row) => {
      const decoded = decodeRow(row.bytes, frame);
      const computedAtMs = decoded.ok ? decoded.row.computedAtMs : 0;
      // What would have expired in the cache does not come back to life.
      const living = expireAfterMs === undefined || Math.abs(nowMs - computedAtMs) < expireAfterMs;
      return [row.category, { row, copy: { whole: decoded.ok && living, computedAtMs, inputs: row.inputs } }];
    }),
  );
}
