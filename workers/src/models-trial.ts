import type { Environment } from '#shared/config/environment';
import type { Config } from '#shared/config/types';
import { FeatureSources } from '#shared/features/feature-sources';
import { inspectWith } from '#shared/features/inspect-with';
import { InferencePool } from '#shared/inference/inference-pool';
import type { Service } from '#shared/lifecycle';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import { checkModels, type Tolerance, type TriedModel } from './models-check';

/** Its start loads and tries every model in a process of its own: a mistake is told before anything is connected or written. */
export class ModelsTrial implements Service {
  readonly name = 'models trial';
  /** In the order of the configuration; empty until started. */
  tried: readonly TriedModel[] = [];
  private readonly config: Config;
  private readonly tolerance: Tolerance;
  private readonly pool: InferencePool;

  /** @param tolerance models that may be missing */
  constructor(config: Config, env: Environment, tolerance: Tolerance = {}) {
    this.config = config;
    this.tolerance = tolerance;
    const { timeLimitMs } = config.inference;
    this.pool = new InferencePool({ processes: 1, timeLimitMs, env, onProcessLost: () => undefined });
  }

  /** @throws ForewarmError FW_MODEL_*, FW_INFERENCE_*, FW_CONFIG_INVALID */
  async start(): Promise<void> {
    await this.pool.start();
    const { models: configured, postgres } = this.config;
    const features = new FeatureSources(configured, { database: () => postgres.url });
    const models = new ModelCatalogue(
      configured,
      inspectWith(features, (task) => this.pool.inspect(task)),
    );
    this.tried = await checkModels(this.config, models, this.tolerance);
    await this.pool.stop();
  }

  stop(): Promise<void> {
    return this.pool.stop();
  }
}
