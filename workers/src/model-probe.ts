import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Environment } from '#shared/config/environment';
import { loadConfig } from '#shared/config/load';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { FeatureSources } from '#shared/features/feature-sources';
import { inspectWith } from '#shared/features/inspect-with';
import { InferencePool } from '#shared/inference/inference-pool';
import type { CategoryFailure, PackedRow } from '#shared/inference/protocol';
import type { ModelFacts } from '#shared/model/describe-model';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';
import type { TriedModel } from './models-check';
import { ModelsTrial } from './models-trial';

/** Model files looked at by hand, each in a process of its own: one that crashes the runtime, or hangs, is told of. */

const LIMIT_MS = 60_000;

/** @throws ForewarmError FW_MODEL_FILE_MISSING, FW_MODEL_NOT_ONNX, FW_INFERENCE_* */
export function describeFile(file: string, environment: Environment): Promise<ModelFacts> {
  return withPool(environment, LIMIT_MS, (pool) => pool.describe({ file }));
}

export interface TriedConfig {
  readonly tried: TriedModel | undefined;
  /** Why it cannot be used. */
  readonly error: ForewarmError | undefined;
}

/** Tries a configuration of one model as a daemon would that read it from a file, with every check of it. */
export async function tryConfig(settings: object, environment: Environment): Promise<TriedConfig> {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-inspect-'));
  try {
    const path = join(folder, 'forewarm.yaml');
    writeFileSync(path, stringify(settings));
    const trial = new ModelsTrial(loadConfig({ path, environment: {} }), environment);
    try {
      await trial.start();
      return { tried: trial.tried[0], error: undefined };
    } finally {
      await trial.stop();
    }
  } catch (error) {
    if (error instanceof ForewarmError) return { tried: undefined, error };
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the model's file gives; `undefined` when it cannot be used. */
export async function specOfFile(
  config: Config,
  { name }: ModelConfig,
  environment: Environment,
): Promise<ModelSpec | undefined> {
  const only = { ...config, models: config.models.filter((model) => model.name === name) };
  const trial = new ModelsTrial(only, environment);
  try {
    await trial.start();
    return trial.tried[0]?.spec;
  } catch (error) {
    if (error instanceof ForewarmError) return undefined;
    throw error;
  } finally {
    await trial.stop();
  }
}

export interface ComputedOne {
  readonly spec: ModelSpec;
  readonly row: PackedRow | undefined;
  /** Why there is no row. */
  readonly failure: CategoryFailure | undefined;
}

/** @throws ForewarmError FW_MODEL_*, FW_INFERENCE_* */
export function computeRow(
  config: Config,
  model: ModelConfig,
  category: string,
  environment: Environment,
): Promise<ComputedOne> {
  return withPool(environment, config.inference.timeLimitMs, async (pool) => {
    const sources = new FeatureSources([model], { database: () => config.postgres.url });
    const inspect = inspectWith(sources, (task) => pool.inspect(task));
    const catalogue = new ModelCatalogue([model], (mapping, probes) => inspect(mapping, [category, ...probes]));
    const spec = await catalogue.resolve(model.name);
    const features = await sources.rows(model.name, [category]);
    const { rows, failures } = await pool.rows({ spec, categories: [category], features });
    return { spec, row: rows[0], failure: failures[0] };
  });
}

async function withPool<T>(
  env: Environment,
  timeLimitMs: number,
  work: (pool: InferencePool) => Promise<T>,
): Promise<T> {
  const pool = new InferencePool({ processes: 1, timeLimitMs, env, onProcessLost: () => undefined });
  await pool.start();
  try {
    return await work(pool);
  } finally {
    await pool.stop();
  }
}
