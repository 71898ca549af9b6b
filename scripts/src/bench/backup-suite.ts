import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BackupRunner } from '#shared/backup/backup-runner';
import type { BackupManifest } from '#shared/backup/documents';
import type { RestoreRequest } from '#shared/backup/restore-request';
import { verifyBackup } from '#shared/backup/verified-backup';
import { environment } from '#shared/config/environment';
import type { BackupConfig } from '#shared/config/types';
import { type Deployment, MODEL } from './deployment';
import { categoryNames, DAYS, HOURS } from './grid';
import { LatencyReader } from './latency-reader';
import { naiveBackup } from './naive-backup';
import { median, rounded } from './statistics';

export interface BackupOptions {
  readonly categories: number;
  readonly rounds: number;
  /** Of readers, without and with a backup that runs. */
  readonly windowMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface BackupFigures {
  readonly suite: 'backup';
  readonly categories: number;
  readonly predictions: number;
  /** From the start of its process to its manifest: written, read back and compared. */
  readonly backupSeconds: number;
  readonly verifySeconds: number;
  /** Into an empty Redis, from the start of its process: verified, written and published. */
  readonly restoreSeconds: number;
  readonly bytes: number;
  readonly bytesPerPrediction: number;
  /** Of the process of a backup, as a whole, and of the one that started it, by how much it grew. */
  readonly peakRssGrowthMb: number;
  /** What `redis-cli --rdb` takes for the same data. */
  readonly rdbSeconds: number;
  readonly overRdb: number;
  /** Extrapolated. */
  readonly naiveSeconds: number;
  readonly overNaive: number;
  /** Medians of the windows. */
  readonly readerP99Ms: { readonly idle: number; readonly backup: number; readonly ratio: number };
  readonly readsPerSecond: number;
  readonly failedReads: number;
}

const READS_PER_SECOND = 1_000;
const WINDOWS = 5;
const MB = 1e6;
const AXES = [
  { name: 'day', values: Array.from({ length: DAYS }, (_, day) => day) },
  { name: 'hour', values: Array.from({ length: HOURS }, (_, hour) => hour) },
];

/** Backups as a daemon takes them, each in a process of its own, against Redis' own and a first script's. */
export async function backupSuite(deployment: Deployment, options: BackupOptions): Promise<BackupFigures> {
  const { categories, rounds, say } = options;
  deployment.configure({ kind: 'mlp', categories, refresh: 'always' });
  await deployment.daemon('scheduler,worker');
  await deployment.warm();
  await deployment.stopDaemons();
  const bench = new Backups(deployment, options);
  say('backup, verification, redis-cli --rdb …');
  const taken = await inTurn(rounds, [() => bench.take(), () => bench.verify(), () => bench.rdb()]);
  const [backupSeconds = 0, verifySeconds = 0, rdbSeconds = 0] = taken;
  say('readers, without and with a backup …');
  const readers = await bench.readers();
  say('restore …');
  const [restoreSeconds = 0] = await inTurn(rounds, [() => bench.restore()]);
  say('a first script …');
  await deployment.redis.flushall('SYNC');
  const naiveSeconds = await naiveBackup(deployment.redis, deployment.folder, categories);
  const { bytes, predictions } = bench.newest;
  return {
    ...{ suite: 'backup', categories, predictions },
    ...{ backupSeconds: rounded(backupSeconds), verifySeconds: rounded(verifySeconds) },
    restoreSeconds: rounded(restoreSeconds),
    ...{ bytes, bytesPerPrediction: rounded(bytes / predictions) },
    peakRssGrowthMb: rounded(bench.peakRssBytes / MB),
    ...{ rdbSeconds: rounded(rdbSeconds), overRdb: rounded(backupSeconds / rdbSeconds) },
    ...{ naiveSeconds: rounded(naiveSeconds), overNaive: rounded(naiveSeconds / backupSeconds) },
    ...readers,
  };
}

/** Medians of what is measured in turn, in seconds. */
async function inTurn(rounds: number, measured: readonly (() => Promise<void>)[]): Promise<number[]> {
  const seconds = measured.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, work] of measured.entries()) {
      const began = performance.now();
      await work();
      seconds[i]?.push((performance.now() - began) / 1_000);
    }
  }
  return seconds.map(median);
}

class Backups {
  peakRssBytes = 0;
  private readonly deployment: Deployment;
  private readonly options: BackupOptions;
  private readonly runner = new BackupRunner(environment());
  private readonly backup: BackupConfig;
  private made: BackupManifest | undefined;

  constructor(deployment: Deployment, options: BackupOptions) {
    this.deployment = deployment;
    this.options = options;
    const folder = join(deployment.folder, 'backups');
    mkdirSync(folder, { recursive: true });
    const keep = { last: 1, daily: 0, weekly: 0 };
    const times = { schedule: 'off', timezone: 'UTC' };
    this.backup = { ...times, folder, folderNamed: true, compression: 'gzip', values: 'numbers', keep };
  }

  get newest(): BackupManifest {
    if (this.made === undefined) throw new Error('nothing was backed up');
    return this.made;
  }

  async take(signal = this.options.signal): Promise<void> {
    const before = process.memoryUsage().rss;
    const { taken, figures } = await this.runner.take(
      {
        ...{ task: 'take', targets: this.targets, model: MODEL },
        request: {
          ...{ generation: 'live', categories: this.categories, known: [], backup: this.backup },
          version: 'bench',
        },
      },
      { onProgress: () => undefined, signal },
    );
    const grewBytes = Math.max(0, process.memoryUsage().rss - before);
    this.peakRssBytes = Math.max(this.peakRssBytes, figures.peakRssBytes + grewBytes);
    this.made = taken[0]?.manifest;
    if (this.made?.missing !== 0) throw new Error('the backup is not complete');
  }

  async verify(): Promise<void> {
    const backup = await verifyBackup(this.path);
    await backup.close();
  }

  async restore(): Promise<void> {
    await this.deployment.redis.flushall('SYNC');
    const request: RestoreRequest = {
      ...{ axes: AXES, outputs: undefined, categories: this.categories, expireAfterMs: undefined, pinOver: null },
      ...{
        overwrite: false,
        allowIncomplete: false,
        dryRun: false,
        maxAgeMs: undefined,
        gates: undefined,
        by: 'bench',
      },
    };
    const { restored } = await this.runner.restore(
      { task: 'restore', targets: this.targets, model: MODEL, path: this.path, request },
      { onProgress: () => undefined, signal: this.options.signal },
    );
    if (restored.written !== this.options.categories) throw new Error('not every row was restored');
  }

  /** With no delay before it begins, which by default is 5 s and hides the rest. */
  async rdb(): Promise<void> {
    const { redis, redisUrl, folder } = this.deployment;
    await redis.config('SET', 'repl-diskless-sync-delay', '0');
    const file = join(folder, 'dump.rdb');
    const { hostname, port, password } = new URL(redisUrl);
    // By a URL without a user it would log in as nobody.
    const env = { ...environment(), REDISCLI_AUTH: decodeURIComponent(password) };
    await promisify(execFile)('redis-cli', ['-h', hostname, '-p', port, '--rdb', file], { env });
    rmSync(file);
  }

  /** Windows without and with a backup in turn; while one is measured, one backup follows the other. */
  async readers(): Promise<Pick<BackupFigures, 'readerP99Ms' | 'readsPerSecond' | 'failedReads'>> {
    const { categories, windowMs } = this.options;
    const { redisUrl } = this.deployment;
    const reader = await LatencyReader.start({ redisUrl, categories, readsPerSecond: READS_PER_SECOND });
    try {
      await reader.window(windowMs);
      const idle: number[] = [];
      const backup: number[] = [];
      let failedReads = 0;
      for (let window = 0; window < WINDOWS; window++) {
        const quiet = await reader.window(windowMs);
        const busy = await this.whileBackingUp(() => reader.window(windowMs));
        idle.push(quiet.p99Ms);
        backup.push(busy.p99Ms);
        failedReads += quiet.failed + busy.failed;
      }
      const [idleMs, backupMs] = [median(idle), median(backup)];
      const readerP99Ms = { idle: rounded(idleMs), backup: rounded(backupMs), ratio: rounded(backupMs / idleMs) };
      return { readerP99Ms, readsPerSecond: READS_PER_SECOND, failedReads };
    } finally {
      await reader.stop();
    }
  }

  private async whileBackingUp<T>(work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.options.signal]);
    const backups = (async () => {
      while (!signal.aborted) await this.take(signal);
    })().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    try {
      return await work();
    } finally {
      over.abort();
      await backups;
    }
  }

  private get path(): string {
    return join(this.backup.folder, this.newest.file);
  }

  private get categories(): string[] {
    return categoryNames(this.options.categories);
  }

  private get targets() {
    const { redisUrl: cacheUrl, postgresUrl: url } = this.deployment;
    return { keyPrefix: 'forewarm', cacheUrl, postgres: { url, connectTimeoutMs: 2_000, statementTimeoutMs: 15_000 } };
  }
}
