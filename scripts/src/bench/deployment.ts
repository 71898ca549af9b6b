import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { stringify } from 'yaml';
import { KeySpace } from '#shared/cache/keys';
import { parseMetadata } from '#shared/cache/pointer';
import { environment } from '#shared/config/environment';
import type { BatchTimings } from '#shared/inference/protocol';
import { HistoryStore } from '#shared/store/history-store';
import { PostgresServer } from '#workers/embedded/postgres-server';
import { RedisServer } from '#workers/embedded/redis-server';
import { BenchDaemon } from './bench-daemon';
import { BenchServer } from './bench-server';
import { categoryNames, DAYS, HOURS } from './grid';
import { type ModelKind, syntheticModel } from './synthetic-models';

export const MODEL = 'bench';

const LOOK_EVERY_MS = 50;

export interface GridOptions {
  readonly kind: ModelKind;
  readonly categories: number;
  readonly refresh: 'always' | 'changed';
}

export interface Servers {
  readonly redis: BenchServer<RedisServer>;
  readonly postgres: BenchServer<PostgresServer>;
}

/** Real servers of a suite in a temporary folder: a Redis, a PostgreSQL, and daemons on them. */
export class Deployment {
  readonly folder: string;
  readonly redis: Redis;
  readonly servers: Servers;
  private readonly daemons = new Set<BenchDaemon>();

  private constructor(folder: string, servers: Servers) {
    this.folder = folder;
    this.servers = servers;
    this.redis = new Redis(servers.redis.current.url);
    this.redis.on('error', () => undefined);
  }

  static async start(): Promise<Deployment> {
    const folder = mkdtempSync(join(tmpdir(), 'forewarm-bench-'));
    // PostgreSQL may run as somebody else.
    await chmod(folder, 0o711);
    const env = environment();
    const redis = new BenchServer<RedisServer>(
      (before, onExit) =>
        new RedisServer({
          ...{ dir: join(folder, 'redis'), logFile: join(folder, 'redis.log'), environment: env, appendOnly: false },
          ...{ port: before?.port, password: before?.password, onExit },
        }),
    );
    const postgres = new BenchServer<PostgresServer>((before, onExit) => {
      const logFile = join(folder, 'postgres.log');
      return new PostgresServer({ folder, logFile, environment: env, port: before?.port, onExit });
    });
    try {
      await Promise.all([redis.start(), postgres.start()]);
    } catch (error) {
      await Promise.all([redis.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return new Deployment(folder, { redis, postgres });
  }

  /** Resolves when a first generation is live and complete. */
  async warm(): Promise<void> {
    for (;;) {
      const metadata = parseMetadata(await this.redis.get(new KeySpace('forewarm', MODEL).metadata));
      if (metadata?.state === 'complete') return;
      await delay(LOOK_EVERY_MS);
    }
  }

  /**
   * Bytes of Redis that rows, index and queue data take: what is free once they are gone. Ends the daemons, which would bring them
   * back. What a Redis takes for itself, such as a histogram for each command that it has seen, is not of it.
   */
  async takeRedisBytes(): Promise<number> {
    await this.stopDaemons();
    const full = await this.usedBytes();
    await this.redis.flushall('SYNC');
    return full - (await this.usedBytes());
  }

  /** Without the buffers of connections. */
  private async usedBytes(): Promise<number> {
    const info = await this.redis.info('memory');
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return field('used_memory') - field('mem_clients_normal');
  }

  /** The stages of a cycle: milliseconds summed over its batches. */
  async stages(cycle: string): Promise<BatchTimings> {
    const pool = new Pool({ connectionString: this.postgresUrl, max: 1 });
    try {
      const batches = (await new HistoryStore(pool).cycle(cycle))?.batches ?? [];
      const sum = (stage: keyof BatchTimings): number =>
        batches.reduce((ms, { timings }) => ms + (timings?.[stage] ?? 0), 0);
      return {
        ...{
          wallMs: sum('wallMs'),
          loadMs: sum('loadMs'),
          readMs: sum('readMs'),
          featuresMs: sum('featuresMs'),
          inferMs: sum('inferMs'),
        },
        ...{ packMs: sum('packMs'), redisMs: sum('redisMs'), postgresMs: sum('postgresMs') },
      };
    } finally {
      await pool.end();
    }
  }

  get redisUrl(): string {
    return this.servers.redis.current.url;
  }

  get postgresUrl(): string {
    return this.servers.postgres.current.url;
  }

  get redisPid(): number {
    return this.servers.redis.current.pid ?? -1;
  }

  /** Path of the model's file. */
  get modelFile(): string {
    return join(this.folder, 'model.onnx');
  }

  /** Writes the model, its categories and the configuration of daemons that run no cycle by themselves. */
  configure({ kind, categories, refresh }: GridOptions): void {
    writeFileSync(this.modelFile, syntheticModel(kind));
    writeFileSync(join(this.folder, 'categories.txt'), `${categoryNames(categories).join('\n')}\n`);
    const model = {
      file: 'model.onnx',
      axes: { day: { from: 0, to: DAYS - 1 }, hour: { from: 0, to: HOURS - 1 } },
      categories: { file: 'categories.txt' },
      every: '24h',
      ...(refresh === 'changed' && { refresh }),
    };
    const document = {
      redis: { cache: this.redisUrl },
      postgres: { url: this.postgresUrl },
      http: { port: 0 },
      models: { [MODEL]: model },
    };
    writeFileSync(this.configFile, stringify(document));
  }

  get configFile(): string {
    return join(this.folder, 'forewarm.yaml');
  }

  /** A daemon with these roles that is up. */
  async daemon(roles: string, processes: number | 'auto' = 'auto'): Promise<BenchDaemon> {
    const daemon = new BenchDaemon(this.configFile, roles, processes);
    this.daemons.add(daemon);
    await daemon.running;
    return daemon;
  }

  async stopDaemons(): Promise<void> {
    await Promise.all([...this.daemons].map((daemon) => daemon.stop()));
    this.daemons.clear();
  }

  async stop(): Promise<void> {
    await this.stopDaemons();
    this.redis.disconnect();
    await Promise.all([this.servers.redis.stop(), this.servers.postgres.stop()]);
    const { home } = this.servers.postgres.current;
    for (const path of [home, this.folder]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
  }
}
