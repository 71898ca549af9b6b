import { worker, workerEmit } from 'workerpool';
import type { ModelFacts } from '../model/describe-model';
import { OnnxModel } from '../model/onnx-model';
import type { ModelSpec } from '../model/spec';
import { endWithParent } from '../parent-watch';
import { BatchStores } from './batch-stores';
import { computeRows } from './compute-rows';
import {
  type BatchSummary,
  type BatchTask,
  type DescribeTask,
  type InspectTask,
  OUTDATED_EXIT_CODE,
  type RowsAnswer,
  type RowsTask,
  type StoreTargets,
  type TaskStarted,
} from './protocol';
import { runBatch } from './run-batch';

/**
 * The program of an inference process: started by the pool, one task at a time. It keeps the models and connections that
 * it has used. Rows of cycles it writes itself, and answers with counts; those for readers it answers.
 */

/** By model name: one generation of each. */
const models = new Map<string, OnnxModel>();
let stores: { readonly key: string; readonly open: BatchStores } | undefined;

async function batch(task: BatchTask): Promise<BatchSummary> {
  const loaded = begin(task.spec);
  const began = performance.now();
  const model = loaded ?? (await load(task.spec));
  const loadMs = performance.now() - began;
  const summary = await runBatch(task, model, await storesFor(task.stores), Date.now);
  return { ...summary, timings: { ...summary.timings, wallMs: performance.now() - began, loadMs } };
}

async function rows({ spec, categories, features }: RowsTask): Promise<RowsAnswer> {
  const model = begin(spec) ?? (await load(spec));
  const computed = await computeRows(model, categories, Date.now, { clockMs: Date.now(), features });
  return { rows: computed.rows, failures: computed.failures };
}

async function inspect(task: InspectTask): Promise<ModelSpec> {
  started();
  const model = await OnnxModel.open(task.mapping, task.probeCategories, task.features);
  await model.release();
  return model.spec;
}

async function describe({ file }: DescribeTask): Promise<ModelFacts> {
  started();
  // Reading graphs is for this alone: no process of a daemon waits for it to load.
  const { describeModel } = await import('../model/describe-model.js');
  return describeModel(file);
}

/** The model where it is loaded. Does not come back where another generation of it is. */
function begin(spec: ModelSpec): OnnxModel | undefined {
  const loaded = models.get(spec.name);
  if (loaded !== undefined && loaded.spec.identity !== spec.identity) process.exit(OUTDATED_EXIT_CODE);
  started();
  return loaded;
}

async function load(spec: ModelSpec): Promise<OnnxModel> {
  const model = await OnnxModel.reopen(spec);
  models.set(spec.name, model);
  return model;
}

async function storesFor(targets: StoreTargets): Promise<BatchStores> {
  const key = JSON.stringify(targets);
  if (stores?.key === key) return stores.open;
  await stores?.open.close();
  stores = { key, open: new BatchStores(targets) };
  return stores.open;
}

/** Tells the pool which process has begun the task, so that its time limit can be enforced. */
function started(): void {
  workerEmit({ pid: process.pid } satisfies TaskStarted);
}

process.title = 'forewarm inference';
// A terminal's Ctrl-C reaches the whole process group; the daemon decides when its processes end.
process.on('SIGINT', () => undefined);
endWithParent();

worker({ batch, rows, inspect, describe });
