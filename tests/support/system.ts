import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { stringify } from 'yaml';
import { queuePrefix } from '#jobs/enqueue';
import { ModelCache } from '#shared/cache/model-cache';
import { messageOf } from '#shared/errors';
import { type CycleRecord, HistoryStore } from '#shared/store/history-store';
import { RowStore } from '#shared/store/row-store';
import { DaemonProcess } from './daemon-process';
import { type LinearModel, linearModel } from './models';
import { createDatabase, startPostgres, type TestDatabase } from './servers/postgres';
import { startRedis, type TestRedisOptions } from './servers/redis';
import { makeTempFolder, removeFolders } from './servers/temp-folder';
import type { TestServer } from './servers/test-server';
import { SteadyReader } from './steady-reader';

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
  /** A second Redis, `system.queueRedis`, for the job queue. When left out, one has both roles. */
  readonly queueRedis?: TestRedisOptions;
  /** A PostgreSQL of the test's own, `system.postgres`, which it may break. False when left out: one for all tests. */
  readonly ownPostgres?: boolean;
  /** Settings of the configuration file beside redis, postgres, http and models. */
  readonly settings?: Record<string, unknown>;
}

/**
 * A Redis, a database and a folder of one test, with real daemons on them. `stop` ends all of it; call it in `afterEach`
 * or `afterAll`. It fails when a connection is still open that is not the system's own, or a key of no deployment is there.
 */
export class TestSystem {
  readonly folder = makeTempFolder('system');
  /** On the cache. */
  readonly client: Redis;
  /** On the queue: the same as `client` where one Redis has both roles. */
  readonly queueClient: Redis;
  readonly pool: Pool;
  /** The cache. */
  readonly redis: TestServer;
  /** The queue: the same as `redis` where one Redis has both roles. */
  readonly queueRedis: TestServer;
  private readonly ownPostgres: TestServer | undefined;
  private readonly database: TestDatabase;
  private readonly settings: Record<string, unknown>;
  private readonly daemons: DaemonProcess[] = [];
  private readonly queues: Queue[] = [];
  private readonly readers: SteadyReader[] = [];

  private constructor({ redis, queueRedis, postgres, database }: SystemServers, settings: Record<string, unknown>) {
    this.redis = redis;
    this.queueRedis = queueRedis ?? redis;
    this.ownPostgres = postgres;
    this.database = database;
    this.settings = settings;
    this.client = clientOf(redis);
    this.queueClient = queueRedis === undefined ? this.client : clientOf(queueRedis);
    this.pool = new Pool({ connectionString: database.url, max: 2 });
    this.pool.on('error', () => undefined);
  }

  static async start(options: SystemOptions = {}): Promise<TestSystem> {
    const postgres = options.ownPostgres ? await startPostgres() : undefined;
    const admin = postgres?.url ?? process.env.FOREWARM_TEST_POSTGRES_URL;
    if (admin === undefined) throw new Error('FOREWARM_TEST_POSTGRES_URL is not set: run this in the slow project');
    const [redis, queueRedis, database] = await Promise.all([
      startRedis(options.redis),
      options.queueRedis && startRedis(options.queueRedis),
      createDatabase(admin),
    ]);
    return new TestSystem({ redis, queueRedis, postgres, database }, options.settings ?? {});
  }

  /** The server that `ownPostgres` asked for. */
  get postgres(): TestServer {
    if (this.ownPostgres === undefined) throw new Error('start the system with ownPostgres');
    return this.ownPostgres;
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
      redis: { cache: this.redis.url, ...(this.queueRedis === this.redis ? {} : { queue: this.queueRedis.url }) },
      postgres: { url: this.postgresUrl },
      http: { port: 0 },
      // The loop alone: what shows and answers takes as long to load as all of it.
      roles: ['scheduler', 'worker'],
      inference: { processes: 2 },
      // At 03:15 a test is to be what it is at any other time.
      backup: { schedule: 'off' },
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
  daemon(args: readonly string[] = ['start'], env: Record<string, string> = {}): DaemonProcess {
    const daemon = new DaemonProcess(args, { cwd: this.folder, env });
    this.daemons.push(daemon);
    return daemon;
  }

  /** An application that reads these categories of the usual model until `stop`. */
  async reader(categories: readonly string[]): Promise<SteadyReader> {
    const reader = await SteadyReader.start(this.redis.url, categories);
    this.readers.push(reader);
    return reader;
  }

  cache(model = 'm'): ModelCache {
    return new ModelCache(this.client, 'forewarm', model);
  }

  /** The queue of a job, as anybody else than the daemon would open it. */
  queue(job: string): Queue {
    const queue = new Queue(job, { connection: this.queueClient, prefix: queuePrefix('forewarm') });
    queue.on('error', () => undefined);
    this.queues.push(queue);
    return queue;
  }

  /** The run history, oldest first. */
  async history(model = 'm'): Promise<CycleRecord[]> {
    return (await new HistoryStore(this.pool).lastCycles({ model }, 10_000)).reverse();
  }

  /** The first cycle of the run history that fits, as soon as there is one. */
  recorded(fits: (cycle: CycleRecord) => boolean, model = 'm'): Promise<CycleRecord> {
    return eventually('a cycle in the history', async () => (await this.history(model).catch(() => [])).find(fits));
  }

  /** The rows of these categories as Redis has them; what is not there is left out. */
  async rows(generation: string, categories: readonly string[], model = 'm'): Promise<Map<string, Buffer>> {
    const { keys } = this.cache(model);
    const found = await this.client.mgetBuffer(...categories.map((category) => keys.row(generation, category)));
    return new Map(categories.flatMap((category, i) => (found[i] ? [[category, found[i]]] : [])));
  }

  /** The same of PostgreSQL. */
  async durableRows(generation: string, categories: readonly string[], model = 'm'): Promise<Map<string, Buffer>> {
    const found = await new RowStore(this.pool).read(model, generation, categories);
    return new Map(found.map(({ category, bytes }) => [category, bytes]));
  }

  /**
   * Until the watchdog has seen the cache as it is: what it has not seen it cannot miss. A look gets pointer and metadata, and so does
   * one for alerts.
   */
  async watchdogLooked(daemon: DaemonProcess): Promise<void> {
    const calls = async (): Promise<number> => {
      const stats = await this.client.info('commandstats');
      return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    await daemon.logged(({ message }) => message === 'forewarm is running');
    const before = await calls();
    await eventually('a look of the watchdog', async () => (await calls()) >= before + 8);
  }

  async stop(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.stop()));
    await Promise.all(this.daemons.map((daemon) => daemon.stop('SIGKILL')));
    await Promise.all(this.queues.map((queue) => queue.close()));
    for (const client of new Set([this.client, this.queueClient])) client.disconnect();
    await this.pool.end();
    const redises = [...new Set([this.redis, this.queueRedis])].map((redis) => redis.stop());
    const ends = await Promise.allSettled([...redises, this.ownPostgres?.stop() ?? this.database.drop()]);
    removeFolders(this.folder);
    const troubles = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    if (troubles.length > 0) throw new Error(troubles.map(messageOf).join('\n'), { cause: troubles[0] });
  }
}

interface SystemServers {
  readonly redis: TestServer;
  readonly queueRedis: TestServer | undefined;
  readonly postgres: TestServer | undefined;
  readonly database: TestDatabase;
}

function clientOf(server: TestServer): Redis {
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  return client;
}

const LOOK_EVERY_MS = 20;
/** Generous: it bounds a test that goes wrong, it is never waited for. */
const LIMIT_MS = 60_000;

/** What `look` finds, as soon as it finds something; for conditions that no event tells of. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const began = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - began > LIMIT_MS) throw new Error(`waited ${LIMIT_MS} ms in vain for ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}

interface SmallOptions {
  /** Changes to the model's graph. */
  readonly model?: Partial<LinearModel>;
  readonly settings?: Record<string, unknown>;
  /** Settings of the model, such as `every`. */
  readonly [setting: string]: unknown;
}
