import { join } from 'node:path';
import type { Environment } from '#shared/config/environment';
import type { Config } from '#shared/config/types';
import type { ForewarmError } from '#shared/errors';
import { withQueriedCategories } from '#shared/features/query-categories';
import { type Service, ServiceGroup } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import { Daemon } from './daemon';
import { EmbeddedServices } from './embedded/embedded-services';
import { ModelsTrial } from './models-trial';

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

/** What an `up` writes lies in its folder. */
export function backupDefaults(folder: string): Readonly<Record<string, string>> {
  return { 'backup.folder': join(folder, 'backups') };
}

/** The whole system with no configuration: private Redis and PostgreSQL of a folder, and the daemon with all roles. */
export class Up implements Service {
  readonly name = 'up';
  readonly embedded: EmbeddedServices;
  daemon: Daemon | undefined;
  private readonly services: ServiceGroup;

  constructor({ folder, environment, log, configure, onExit }: UpOptions) {
    this.embedded = new EmbeddedServices({
      folder,
      environment,
      onExit,
      log: (message, facts) => log.debug(message, facts),
    });
    const daemon: Service = {
      name: 'daemon',
      start: async () => {
        const { redisUrl, postgresUrl } = this.embedded;
        const config = await withQueriedCategories(
          configure({ 'redis.cache': redisUrl, 'postgres.url': postgresUrl, ...backupDefaults(this.embedded.folder) }),
        );
        this.daemon = new Daemon({ config, log, env: environment });
        return this.daemon.start();
      },
      stop: async () => this.daemon?.stop(),
    };
    this.services = new ServiceGroup(this.name, [
      // Its PostgreSQL, which a source may be in, does not run yet.
      new ModelsTrial(configure({}), environment, { sourcesMayFail: true }),
      this.embedded,
      daemon,
    ]);
  }

  /** @throws ForewarmError FW_CONFIG_*, FW_MODEL_* before anything is written; FW_ALREADY_RUNNING, FW_EMBEDDED_FAILED */
  start(): Promise<void> {
    return this.services.start();
  }

  stop(): Promise<void> {
    return this.services.stop();
  }
}
