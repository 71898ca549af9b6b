import { availableParallelism } from 'node:os';
import { approximateBytes } from '#shared/config/bytes';
import { formatDuration } from '#shared/config/duration';
import type { Environment } from '#shared/config/environment';
import { type GridSize, gridSize } from '#shared/config/sizes';
import type { Config, ModelConfig } from '#shared/config/types';
import { FeatureSources } from '#shared/features/feature-sources';
import { inspectWith } from '#shared/features/inspect-with';
import { InferencePool } from '#shared/inference/inference-pool';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';
import { formatTook } from '../elapsed';
import { checkModels, warningsOf } from '../models-check';
import { attempt, type Finding, fail, pass, warn } from './finding';

export interface LoadedModel {
  readonly model: ModelConfig;
  readonly size: GridSize;
}

/** How long a model is measured. */
const MEASURE_MS = 1_000;
const CATEGORIES_PER_RUN = 16;
/** Share of its period from which a cycle leaves little room. */
const TIGHT = 0.7;

/** Each model in a process of its own, as a daemon would use it: whether it loads, and whether its cycle fits into its period. */
export async function modelFindings(
  config: Config,
  env: Environment,
): Promise<{ findings: Finding[]; loaded: LoadedModel[] }> {
  const findings: Finding[] = [];
  const loaded: LoadedModel[] = [];
  const { timeLimitMs } = config.inference;
  const pool = new InferencePool({ processes: 1, timeLimitMs, env, onProcessLost: () => undefined });
  await pool.start();
  try {
    for (const model of config.models) {
      const check = `model ${model.name}`;
      findings.push(
        ...(await attempt(check, async () => {
          const features = new FeatureSources([model], { database: () => config.postgres.url });
          const catalogue = new ModelCatalogue(
            [model],
            inspectWith(features, (task) => pool.inspect(task)),
          );
          const [tried] = await checkModels({ ...config, models: [model] }, catalogue);
          if (tried === undefined) return fail(check, 'its file is missing', `Check models.${model.name}.file.`);
          const { spec } = tried;
          const size = sizeOf(model, spec);
          loaded.push({ model, size });
          const warnings = warningsOf(tried).map((found) => warn(check, found, 'Mend it, or leave it if it is meant.'));
          const outputs = spec.outputs.length === 1 ? '' : `, ${spec.outputs.length} values each`;
          const found = `generation ${spec.generation}, ${size.predictions.toLocaleString('en')} predictions${outputs}, ${approximateBytes(size.redisBytes)}`;
          return [pass(check, found), ...warnings, await cycleFinding(config, model, spec, pool, features)];
        })),
      );
    }
  } finally {
    await pool.stop();
  }
  return { findings, loaded };
}

function sizeOf({ categories }: ModelConfig, { axes, outputs }: ModelSpec): GridSize {
  const categoryBytes = categories.reduce((bytes, category) => bytes + Buffer.byteLength(category), 0);
  return gridSize({ axes, categories: categories.length, categoryBytes, outputs: outputs.length });
}

/** Inference alone, on as many processes as this machine would run: stores and queue add a little. */
async function cycleFinding(
  { inference }: Config,
  { name, categories, everyMs }: ModelConfig,
  spec: ModelSpec,
  pool: InferencePool,
  features: FeatureSources,
): Promise<Finding> {
  const check = `cycle of ${name}`;
  const run = async (some: readonly string[]): Promise<void> => {
    await pool.rows({ spec, categories: some, features: await features.rows(name, some) });
  };
  const processes = inference.processes === 'auto' ? availableParallelism() : inference.processes;
  // The first run loads the model.
  await run(categories.slice(0, 1));
  const began = performance.now();
  let done = 0;
  do {
    const some = Array.from(
      { length: CATEGORIES_PER_RUN },
      (_, i) => categories[(done + i) % categories.length] as string,
    );
    await run([...new Set(some)]);
    done += new Set(some).size;
  } while (performance.now() - began < MEASURE_MS && done < categories.length);
  const rowMs = (performance.now() - began) / done;
  const cycleMs = (rowMs * categories.length) / Math.min(processes, Math.max(1, categories.length));
  const found = `about ${formatTook(cycleMs)} of inference on ${processes} ${processes === 1 ? 'process' : 'processes'}, every ${formatDuration(everyMs)}`;
  if (cycleMs < TIGHT * everyMs) return pass(check, found);
  const next =
    'Lengthen `every`, use `refresh: changed`, add machines with the role worker, or export a quicker model.';
  return cycleMs > everyMs ? fail(check, found, next) : warn(check, found, next);
}
