import { KeySpace } from '../cache/keys';
import { rowByteLength } from '../cache/row';
import { slices } from '../cache/slices';
import { execChecked } from '../connections/redis';
import { inputsHasher } from '../model/inputs-hash';
import type { OnnxModel } from '../model/onnx-model';
import { rowFrame } from '../model/spec';
import { rowsPerStatement, type StoredRow } from '../store/row-store';
import type { BatchStores } from './batch-stores';
import { BatchWriter } from './batch-writer';
import { computeRows } from './compute-rows';
import { type BatchPlan, planBatch } from './plan-batch';
import { type BatchSummary, type BatchTask, type CategoryFailure, LISTED_FAILURES } from './protocol';

/**
 * Does one batch and writes its rows, each part of it while the next is computed: to the cache first, which is what readers wait
 * for, then to Postgres. A batch whose rows cannot be written to the cache leaves old ones in place and rejects; Postgres being away
 * does not.
 * @throws ForewarmError FW_REDIS_WRITE_FAILED, FW_REDIS_UNAVAILABLE
 */
export async function runBatch(
  task: BatchTask,
  model: OnnxModel,
  stores: BatchStores,
  now: () => number,
): Promise<BatchSummary> {
  const keys = new KeySpace(task.stores.keyPrefix, task.spec.name);
  const inputs = task.trackInputs ? inputsHasher(task.spec.inputs, task.inputs) : undefined;
  const began = performance.now();
  const { kept, restored, wanted } = await decide(task, keys, stores, inputs, now());
  await renew(task, keys, kept, stores);
  const readMs = performance.now() - began;

  const writer = new BatchWriter(task, keys, stores, now);
  writer.restore(restored);
  const failures: CategoryFailure[] = [];
  const spent = { featuresMs: 0, inferMs: 0, packMs: 0 };
  for (const part of slices(wanted, rowsPerStatement(rowByteLength(rowFrame(task.spec))))) {
    const computed = await computeRows(model, part, now, task.inputs);
    failures.push(...computed.failures);
    spent.featuresMs += computed.featuresMs;
    spent.inferMs += computed.inferMs;
    spent.packMs += computed.packMs;
    writer.write(computed.rows.map((row) => ({ ...row, inputs: inputs?.(row.category) })));
  }
  if (task.copyKept) writer.copy(kept);
  const { lost, durable, durableError, redisMs, postgresMs } = await writer.end();
  return {
    computed: wanted.length - failures.length,
    restored: restored.length,
    verified: kept.length,
    failed: failures.length,
    failures: failures.slice(0, LISTED_FAILURES),
    failedCategories: failures.map(({ category }) => category),
    lost,
    durable,
    durableError,
    timings: { wallMs: performance.now() - began, loadMs: 0, readMs, ...spent, redisMs, postgresMs },
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
