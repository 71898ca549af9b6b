import type { Environment } from '#shared/config/environment';
import type { Config } from '#shared/config/types';
import type { ForewarmError } from '#shared/errors';
import { InferencePool } from '#shared/inference/inference-pool';
import type { Service } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import { Daemon } from './daemon';
import { EmbeddedServices } from './embedded/embedded-services';
import { checkModels } from './models-check';

export interface UpOptions {
  /** Folder of the servers' data, `.forewarm`. */
  readonly folder: string;
  readonly environment: Environment;
  readonly log: Logger;
  /** The configuration, with these settings below those of the file. */
  readonly configure: (defaults: Readonly<Record<string, string>>) => Config;
  /** Told when an embedded server ends by itself. */
  readonly onExit: (error: ForewarmError) => void;
}

/** The whole system with no configuration: private Redis and PostgreSQL of a folder, and the daemon with all roles. */
export class Up implements Service {
  readonly name = 'up';
  readonly embedded: EmbeddedServices;
  daemon: Daemon | undefined;
  private readonly options: UpOptions;
  private stopping = false;

  constructor(options: UpOptions) {
    this.options = options;
    const { folder, environment, log, onExit } = options;
    this.embedded = new EmbeddedServices({
      folder,
      environment,
      onExit,
      log: (message, facts) => log.debug(message, facts),
    });
  }

  /** @throws ForewarmError FW_CONFIG_*, FW_MODEL_* before anything is written; FW_ALREADY_RUNNING, FW_EMBEDDED_FAILED */
  async start(): Promise<void> {
    const { configure, environment, log } = this.options;
    // Of no server yet: it is read for its mistakes.
    await tryModels(configure({ 'postgres.url': 'postgres://127.0.0.1/forewarm' }), environment);
    if (this.stopping) return;
    await this.embedded.start();
    if (this.stopping) return;
    const { redisUrl, postgresUrl } = this.embedded;
    const config = configure({ 'redis.cache': redisUrl, 'postgres.url': postgresUrl });
    this.daemon = new Daemon({ config, log, env: environment });
    await this.daemon.start();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.daemon?.stop();
    await this.embedded.stop();
  }
}

async function tryModels(config: Config, env: Environment): Promise<void> {
  const { timeLimitMs } = config.inference;
  const pool = new InferencePool({ processes: 1, timeLimitMs, env, onProcessLost: () => undefined });
  await pool.start();
  try {
    const inspect = new ModelCatalogue(config.models, (mapping, probeCategory) =>
      pool.inspect({ mapping, probeCategory }),
    );
    await checkModels(config, inspect);
  } finally {
    await pool.stop();
  }
}
