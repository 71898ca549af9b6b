import { worker, workerEmit } from 'workerpool';
import { ForewarmError } from '../errors';
import { OnnxModel } from '../model/onnx-model';
import type { ModelSpec } from '../model/spec';
import { BatchStores } from './batch-stores';
import { endWithParent } from './parent-watch';
import type { BatchSummary, BatchTask, InspectTask, StoreTargets, TaskStarted } from './protocol';
import { runBatch } from './run-batch';

/**
 * The program of an inference process: started by the pool, one task at a time. It keeps the models and connections that
 * it has used, writes rows itself, and answers with counts.
 */

/** By model name: a new generation of a model takes the place of the old one. */
const models = new Map<string, OnnxModel>();
let stores: { readonly key: string; readonly open: BatchStores } | undefined;

async function batch(task: BatchTask): Promise<BatchSummary> {
  started();
  const began = performance.now();
  const model = await modelFor(task.spec, task.categories[0] ?? '');
  const loadMs = performance.now() - began;
  const summary = await runBatch(task, model, await storesFor(task.stores), Date.now);
  return { ...summary, timings: { ...summary.timings, wallMs: performance.now() - began, loadMs } };
}

async function inspect(task: InspectTask): Promise<ModelSpec> {
  started();
  const model = await OnnxModel.open(task.mapping, task.probeCategory);
  await model.release();
  return model.spec;
}

async function modelFor(spec: ModelSpec, probeCategory: string): Promise<OnnxModel> {
  const loaded = models.get(spec.name);
  if (loaded?.spec.identity === spec.identity) return loaded;
  models.delete(spec.name);
  await loaded?.release();
  const model = await OnnxModel.open(spec, probeCategory);
  if (model.spec.identity !== spec.identity) {
    await model.release();
    throw new ForewarmError(
      'FW_MODEL_CHANGED',
      `models.${spec.name}: ${spec.file} is generation ${model.spec.generation} here, the batch is for ${spec.generation}`,
    );
  }
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

worker({ batch, inspect });
