import { availableParallelism } from 'node:os';
import type { ModelCache } from '#shared/cache/model-cache';
import { decodeRow } from '#shared/cache/row';
import { slices } from '#shared/cache/slices';
import type { Environment } from '#shared/config/environment';
import type { Config, ModelConfig } from '#shared/config/types';
import { FeatureSources } from '#shared/features/feature-sources';
import { inspectWith } from '#shared/features/inspect-with';
import { InferencePool } from '#shared/inference/inference-pool';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';
import { areComparable } from '#shared/rollout/compare-generations';
import { GateKeeper, type GateReport } from '#shared/rollout/gates';

export interface Candidate {
  readonly spec: ModelSpec;
  readonly report: GateReport;
  /** What it was compared with; `null` where nothing is live. */
  readonly live: string | null;
}

export interface CandidateOptions {
  readonly environment: Environment;
  readonly onProgress: (done: number, of: number) => void;
  readonly signal: AbortSignal;
}

const ROWS_PER_TASK = 64;

/**
 * Computes every row of a model file here, holds them to the gates against what is live, and writes nothing.
 * @param model with the file in question
 * @throws ForewarmError FW_MODEL_*, FW_INFERENCE_*, FW_REDIS_UNAVAILABLE; the signal's reason when it is aborted
 */
export async function inspectCandidate(
  { inference, postgres }: Pick<Config, 'inference' | 'postgres'>,
  model: ModelConfig,
  cache: ModelCache,
  { environment, onProgress, signal }: CandidateOptions,
): Promise<Candidate> {
  const processes = inference.processes === 'auto' ? availableParallelism() : inference.processes;
  const { timeLimitMs } = inference;
  const pool = new InferencePool({ processes, timeLimitMs, env: environment, onProcessLost: () => undefined });
  await pool.start();
  try {
    const features = new FeatureSources([model], { database: () => postgres.url });
    const catalogue = new ModelCatalogue(
      [model],
      inspectWith(features, (task) => pool.inspect(task)),
    );
    const [spec, live] = await Promise.all([catalogue.resolve(model.name), cache.pointer()]);
    const keeper = new GateKeeper(spec, { bounds: model.bounds, maxDrift: model.maxDrift });
    const parts = [...slices(model.categories, ROWS_PER_TASK)];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
        signal.throwIfAborted();
        const comparable = live !== undefined && areComparable({ ...spec }, live) ? live : undefined;
        const [answer, others] = await Promise.all([
          features.rows(model.name, part).then((rows) => pool.rows({ spec, categories: part, features: rows })),
          comparable === undefined ? undefined : cache.wholeRows(comparable, part),
        ]);
        for (const { category, bytes } of answer.rows) {
          const decoded = decodeRow(bytes);
          if (decoded.ok) keeper.add(category, decoded.row.values, others?.get(category)?.values);
        }
        for (const { category, position } of answer.failures) {
          keeper.lacks(category);
          if (position !== undefined) keeper.refused(category, position, Number.NaN);
        }
        done += part.length;
        onProgress(done, model.categories.length);
      }
    };
    await Promise.all(Array.from({ length: processes }, work));
    return { spec, report: keeper.report(), live: live?.generation ?? null };
  } finally {
    await pool.stop();
  }
}
