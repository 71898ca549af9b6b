import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asForewarmError, ForewarmError } from '#shared/errors';
import { type LifecycleObserver, type Service, ServiceGroup } from '#shared/lifecycle';
import type { Environment } from './child-environment';
import { FolderLock } from './folder-lock';
import { type EmbeddedLog, stopLeftovers } from './leftovers';
import { FOLDERS_OF_OURS, openFolder } from './open-folder';
import { PostgresServer } from './postgres-server';
import { RedisServer } from './redis-server';

export interface EmbeddedServicesOptions {
  /** `.forewarm`; created when it does not exist, and closed to others. */
  readonly folder: string;
  readonly environment: Environment;
  readonly log: EmbeddedLog;
  /** Called with FW_EMBEDDED_FAILED when a server ends by itself; the other one goes on until `stop`. */
  readonly onExit?: ((error: ForewarmError) => void) | undefined;
  /** Where root may put what `folder` hides from the unprivileged user; see `ROOT_STORES`. */
  readonly stores?: readonly string[] | undefined;
}

/** Where the servers of a folder are reached. Both hold passwords. */
export interface EmbeddedUrls {
  readonly redisUrl: string;
  readonly postgresUrl: string;
}

const URLS_FILE = 'services.json';

/** The private Redis and PostgreSQL of one folder. One `up` at a time: the folder is locked from start to stop. */
export class EmbeddedServices implements Service {
  readonly name = 'embedded';
  /** Its real path once started. */
  folder: string;
  private readonly options: EmbeddedServicesOptions;
  private readonly group: ServiceGroup;
  private servers: { readonly redis: RedisServer; readonly postgres: PostgresServer } | undefined;

  constructor(options: EmbeddedServicesOptions) {
    this.options = options;
    this.folder = options.folder;
    this.group = new ServiceGroup(this.name, [this.lock(), this.both(), this.urls()], this.observe);
  }

  /** Throws FW_USAGE, FW_ALREADY_RUNNING, FW_BINARY_MISSING or FW_EMBEDDED_FAILED; nothing of it is left running then. */
  async start(): Promise<void> {
    try {
      this.folder = openFolder(this.options.folder);
      await this.group.start();
    } catch (error) {
      throw asForewarmError(error, 'FW_EMBEDDED_FAILED', `The embedded servers in ${this.folder} did not start`);
    }
  }

  stop(): Promise<void> {
    return this.group.stop();
  }

  /** Holds the password. Throws FW_INTERNAL before `start`. */
  get redisUrl(): string {
    return this.running().redis.url;
  }

  /** Holds the password. Throws FW_INTERNAL before `start`. */
  get postgresUrl(): string {
    return this.running().postgres.url;
  }

  /** The pids of the running servers, for logs and tests. */
  get pids(): { readonly redis: number | undefined; readonly postgres: number | undefined } {
    return { redis: this.servers?.redis.pid, postgres: this.servers?.postgres.pid };
  }

  private lock(): Service {
    let lock: FolderLock | undefined;
    return {
      name: 'folder lock',
      start: async () => {
        lock = new FolderLock(this.folder);
        lock.acquire();
        await stopLeftovers(join(this.folder, 'run'), this.options.log);
      },
      stop: async () => lock?.release(),
    };
  }

  /** Redis and PostgreSQL at the same time: the slower one decides how long a start takes. */
  private both(): Service {
    return {
      name: 'redis and postgres',
      start: async () => {
        this.servers = this.build();
        const both = Object.values(this.servers);
        let first: unknown;
        const starts = both.map(async (server) => {
          try {
            await server.start();
          } catch (error) {
            first ??= error;
            // The other one need not come up first.
            await Promise.allSettled(both.map((one) => one.stop()));
          }
        });
        await Promise.all(starts);
        if (first !== undefined) throw first;
      },
      stop: async () => {
        const ends = await Promise.allSettled([this.servers?.redis.stop(), this.servers?.postgres.stop()]);
        const failed = ends.find((end) => end.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      },
    };
  }

  /** The file by which other commands find the running servers. */
  private urls(): Service {
    const file = () => join(this.folder, URLS_FILE);
    // Another `up` may run here, whose file it is then.
    let written = false;
    return {
      name: 'services file',
      start: async () => {
        const urls: EmbeddedUrls = { redisUrl: this.redisUrl, postgresUrl: this.postgresUrl };
        // Removed first: the mode counts only for a new file.
        rmSync(file(), { force: true });
        written = true;
        writeFileSync(file(), `${JSON.stringify(urls, undefined, 2)}\n`, { mode: 0o600 });
      },
      stop: async () => {
        if (written) rmSync(file(), { force: true });
        written = false;
      },
    };
  }

  private build(): { readonly redis: RedisServer; readonly postgres: PostgresServer } {
    const { environment, onExit, stores } = this.options;
    const inFolder = (...parts: string[]) => join(this.folder, ...parts);
    for (const name of FOLDERS_OF_OURS) mkdirSync(inFolder(name), { recursive: true, mode: 0o700 });
    const redis = new RedisServer({
      dir: inFolder('redis'),
      appendOnly: true,
      logFile: inFolder('logs', 'redis.log'),
      recordFile: inFolder('run', 'redis.json'),
      environment,
      onExit,
    });
    const postgres = new PostgresServer({
      folder: this.folder,
      logFile: inFolder('logs', 'postgres.log'),
      recordFile: inFolder('run', 'postgres.json'),
      environment,
      stores,
      onExit,
    });
    return { redis, postgres };
  }

  private running(): { readonly redis: RedisServer; readonly postgres: PostgresServer } {
    if (this.servers !== undefined) return this.servers;
    throw new ForewarmError('FW_INTERNAL', 'The embedded servers were not started yet.');
  }

  private readonly observe: LifecycleObserver = ({ service, step, ms, error }) =>
    this.options.log(`${service} ${step}`, { ms: Math.round(ms), ...(error === undefined ? {} : { error }) });
}

/** The URLs of the servers that an `up` runs on `folder` in this moment; undefined when none does. */
export function findEmbedded(folder: string): EmbeddedUrls | undefined {
  try {
    if (FolderLock.holder(folder) === undefined) return undefined;
    return JSON.parse(readFileSync(join(folder, URLS_FILE), 'utf8')) as EmbeddedUrls;
  } catch {
    // Still starting, of another user, or no folder.
    return undefined;
  }
}
