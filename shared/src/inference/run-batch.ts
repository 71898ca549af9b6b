import { KeySpace } from '../cache/keys';
import { decodeRow } from '../cache/row';
import { writeRows } from '../cache/row-writer';
import { validRows } from '../cache/valid-rows';
import { asking } from '../connections/redis';
import { asForewarmError, messageOf } from '../errors';
import type { OnnxModel } from '../model/onnx-model';
import { rowFrame } from '../model/spec';
import type { StoredRow } from '../store/row-store';
import type { BatchStores } from './batch-stores';
import { computeRows } from './compute-rows';
import { type BatchSummary, type BatchTask, LISTED_FAILURES } from './protocol';

/**
 * Computes one batch and writes its rows: to the cache first, which is what readers wait for, then to Postgres. A batch
 * whose rows cannot be written to the cache leaves the old ones in place and rejects; Postgres being away does not.
 * @throws ForewarmError FW_REDIS_WRITE_FAILED, FW_REDIS_UNAVAILABLE
 */
export async function runBatch(
  task: BatchTask,
  model: OnnxModel,
  stores: BatchStores,
  now: () => number,
): Promise<BatchSummary> {
  const keys = new KeySpace(task.stores.keyPrefix, task.spec.name);
  const frame = rowFrame(task.spec);
  const { generation } = task.spec;
  const kept =
    task.mode === 'fill' ? await validRows(stores.redis, keys, generation, frame, task.categories) : new Set<string>();
  const wanted = task.categories.filter((category) => !kept.has(category));
  const restored = task.mode === 'fill' ? await fromPostgres(task, wanted, stores) : [];
  const have = new Set(restored.map((row) => row.category));
  const computed = await computeRows(
    model,
    wanted.filter((category) => !have.has(category)),
    now,
  );

  if (kept.size > 0) await indexAgain(task, keys, kept, stores);
  const redis = await timed(() =>
    writeRows(stores.redis, keys, task.spec.generation, [...restored, ...computed.rows], task.expireAfterMs).catch(
      (error: unknown) => Promise.reject(asForewarmError(error, 'FW_REDIS_WRITE_FAILED')),
    ),
  );
  const postgres = await timed(() => copyToPostgres(task, computed.rows, stores));
  return {
    computed: computed.rows.length,
    restored: restored.length,
    verified: kept.size,
    failed: computed.failures.length,
    failures: computed.failures.slice(0, LISTED_FAILURES),
    failedCategories: computed.failures.map(({ category }) => category),
    durable: postgres.result === undefined ? restored.length + computed.rows.length : restored.length,
    durableError: postgres.result,
    timings: {
      loadMs: 0,
      inferMs: computed.inferMs,
      packMs: computed.packMs,
      redisMs: redis.ms,
      postgresMs: postgres.ms,
    },
  };
}

/** Rows that stay are put into the index again: a row without its entry would be found by readers only. */
async function indexAgain(
  task: BatchTask,
  keys: KeySpace,
  kept: ReadonlySet<string>,
  stores: BatchStores,
): Promise<void> {
  const added = stores.redis.sadd(keys.index(task.spec.generation), ...kept);
  await asking('indexing rows', added);
}

/** Rows that Postgres holds whole and of this generation; none when it is away: they are computed then. */
async function fromPostgres(task: BatchTask, categories: readonly string[], stores: BatchStores): Promise<StoredRow[]> {
  if (categories.length === 0) return [];
  const frame = rowFrame(task.spec);
  const { name, generation } = task.spec;
  try {
    const stored = await stores.withPostgres((rows) => rows.read(name, generation, categories));
    return stored.filter((row) => decodeRow(row.bytes, frame).ok);
  } catch {
    return [];
  }
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
