import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { stringify } from 'yaml';
import { ModelCache } from '#shared/cache/model-cache';
import { DaemonProcess } from './daemon-process';
import { type LinearModel, linearModel } from './models';
import { createDatabase, type TestDatabase } from './servers/postgres';
import { startRedis, type TestRedisOptions } from './servers/redis';
import { makeTempFolder, removeFolders } from './servers/temp-folder';
import type { TestServer } from './servers/test-server';

/** A model over `day` x `hour` and a category, small and quick: 4 x 6 = 24 cells. */
export const SMALL_AXES = { day: { from: 0, to: 3 }, hour: { from: 0, to: 5 } };

export function smallModel(categories: readonly string[], more: Partial<LinearModel> = {}): Uint8Array {
  const labels = Object.fromEntries(categories.map((category, i) => [category, i + 1]));
  return linearModel({
    inputs: [
      { name: 'day', type: 'int64', weights: [[0.5]] },
      { name: 'hour', type: 'int64', weights: [[0.25]] },
      { name: 'category', type: 'string', labels, weights: [[10]] },
    ],
    ...more,
  });
}

export function someCategories(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `category ${String(i).padStart(5, '0')}`);
}

export interface SystemOptions {
  readonly redis?: TestRedisOptions;
  /** Settings of the configuration file beside redis, postgres, http and models. */
  readonly settings?: Record<string, unknown>;
}

/**
 * A Redis, a database and a folder of one test, with real daemons on them. `stop` ends all of it; call it in `afterEach`
 * or `afterAll`.
 */
export class TestSystem {
  readonly folder = makeTempFolder('system');
  readonly client: Redis;
  readonly pool: Pool;
  readonly redis: TestServer;
  private readonly database: TestDatabase;
  private readonly settings: Record<string, unknown>;
  private readonly daemons: DaemonProcess[] = [];

  private constructor(redis: TestServer, database: TestDatabase, settings: Record<string, unknown>) {
    this.redis = redis;
    this.database = database;
    this.settings = settings;
    this.client = new Redis(redis.url);
    this.client.on('error', () => undefined);
    this.pool = new Pool({ connectionString: database.url, max: 2 });
    this.pool.on('error', () => undefined);
  }

  static async start(options: SystemOptions = {}): Promise<TestSystem> {
    const admin = process.env.FOREWARM_TEST_POSTGRES_URL;
    if (admin === undefined) throw new Error('FOREWARM_TEST_POSTGRES_URL is not set: run this in the slow project');
    const [redis, database] = await Promise.all([startRedis(options.redis), createDatabase(admin)]);
    return new TestSystem(redis, database, options.settings ?? {});
  }

  get postgresUrl(): string {
    return this.database.url;
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Writes `forewarm.yaml` with these models (as in the file) over the system's servers. */
  configure(models: Record<string, unknown>, settings: Record<string, unknown> = {}): string {
    const document = {
      redis: { cache: this.redis.url },
      postgres: { url: this.postgresUrl },
      http: { port: 0 },
      inference: { processes: 2 },
      ...this.settings,
      ...settings,
      models,
    };
    return this.write('forewarm.yaml', stringify(document));
  }

  /** The usual model `m` with these categories: a file `m.onnx` and a configuration. */
  configureSmall(categories: readonly string[], { model = {}, settings = {}, ...more }: SmallOptions = {}): string {
    this.write('m.onnx', smallModel(categories, model));
    return this.configure({ m: { file: 'm.onnx', axes: SMALL_AXES, categories, ...more } }, settings);
  }

  /** A daemon on the system's configuration; `stop` of the system ends it. */
  daemon(args: readonly string[] = ['start']): DaemonProcess {
    const daemon = new DaemonProcess(args, { cwd: this.folder });
    this.daemons.push(daemon);
    return daemon;
  }

  cache(model = 'm'): ModelCache {
    return new ModelCache(this.client, 'forewarm', model);
  }

  async stop(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.stop('SIGKILL')));
    this.client.disconnect();
    await this.pool.end();
    await this.redis.stop();
    await this.database.drop();
    removeFolders(this.folder);
  }
}

interface SmallOptions {
  /** Changes to the model's graph. */
  readonly model?: Partial<LinearModel>;
  readonly settings?: Record<string, unknown>;
  /** Settings of the model, such as `every`. */
  readonly [setting: string]: unknown;
}
