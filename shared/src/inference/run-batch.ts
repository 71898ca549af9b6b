import { KeySpace } from '../cache/keys';
import { writeRows } from '../cache/row-writer';
import { execChecked } from '../connections/redis';
import { asForewarmError, messageOf } from '../errors';
import { inputsHash } from '../model/inputs-hash';
import type { OnnxModel } from '../model/onnx-model';
import type { StoredRow } from '../store/row-store';
import type { BatchStores } from './batch-stores';
import { computeRows } from './compute-rows';
import { type BatchPlan, planBatch } from './plan-batch';
import { type BatchSummary, type BatchTask, LISTED_FAILURES } from './protocol';

/**
 * Does one batch and writes its rows: to the cache first, which is what readers wait for, then to Postgres. A batch whose rows
 * cannot be written to the cache leaves the old ones in place and rejects; Postgres being away does not.
 * @throws ForewarmError FW_REDIS_WRITE_FAILED, FW_REDIS_UNAVAILABLE
 */
export async function runBatch(
  task: BatchTask,
  model: OnnxModel,
  stores: BatchStores,
  now: () => number,
): Promise<BatchSummary> {
  const { generation, name } = task.spec;
  const keys = new KeySpace(task.stores.keyPrefix, name);
  const inputs = task.trackInputs ? inputsHash : undefined;
  const plan = await timed(() => decide(task, keys, stores, inputs, now()));
  const { kept, restored, wanted } = plan.result;
  const { rows, failures, featuresMs, inferMs, packMs } = await computeRows(model, wanted, now);
  const computed: StoredRow[] = rows.map((row) => ({ ...row, inputs: inputs?.(row.category) }));

  await renew(task, keys, kept, stores);
  const redis = await timed(() =>
    writeRows(stores.redis, keys, generation, [...restored, ...computed], task.expireAfterMs).catch((error: unknown) =>
      Promise.reject(asForewarmError(error, 'FW_REDIS_WRITE_FAILED')),
    ),
  );
  const behind = task.copyKept ? [...computed, ...kept] : computed;
  const postgres = await timed(() => copyToPostgres(task, behind, stores));
  const durable = restored.length + (postgres.result === undefined ? behind.length : 0);
  return {
    computed: computed.length,
    restored: restored.length,
    verified: kept.length,
    failed: failures.length,
    failures: failures.slice(0, LISTED_FAILURES),
    failedCategories: failures.map(({ category }) => category),
    durable,
    durableError: postgres.result,
    timings: { loadMs: 0, readMs: plan.ms, featuresMs, inferMs, packMs, redisMs: redis.ms, postgresMs: postgres.ms },
  };
}

async function decide(
  task: BatchTask,
  keys: KeySpace,
  stores: BatchStores,
  inputs: ((category: string) => Buffer) | undefined,
  nowMs: number,
): Promise<BatchPlan> {
  if (task.mode === 'compute') return { kept: [], restored: [], wanted: task.categories };
  return planBatch(task, keys, stores, inputs, nowMs);
}

/** Rows that stay are put into the index again, without which only readers would find them, and live on. */
async function renew(task: BatchTask, keys: KeySpace, kept: readonly StoredRow[], stores: BatchStores): Promise<void> {
  if (kept.length === 0) return;
  const { generation } = task.spec;
  const categories = kept.map(({ category }) => category);
  const commands = stores.redis.pipeline().sadd(keys.index(generation), ...categories);
  if (task.expireAfterMs !== undefined) {
    for (const category of categories) commands.pexpire(keys.row(generation, category), task.expireAfterMs);
  }
  await execChecked(commands, `renewing ${kept.length} rows of ${keys.root}`);
}

/** Returns why the rows could not be copied, or `undefined` when they were. */
async function copyToPostgres(
  task: BatchTask,
  rows: readonly StoredRow[],
  stores: BatchStores,
): Promise<string | undefined> {
  if (rows.length === 0) return undefined;
  try {
    await stores.withPostgres((store) => store.upsert(task.spec.name, task.spec.generation, rows));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now();
  const result = await work();
  return { result, ms: performance.now() - began };
}
