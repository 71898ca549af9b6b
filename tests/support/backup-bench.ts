import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupManifest } from '#shared/backup/documents';
import { restoreBackup } from '#shared/backup/restore-backup';
import type { RestoreRequest, RestoreSummary } from '#shared/backup/restore-request';
import { type BackupStores, withStores } from '#shared/backup/stores';
import { type BackupProgress, type Reporting, type TakeRequest, takeBackup } from '#shared/backup/take-backup';
import { verifyBackup } from '#shared/backup/verified-backup';
import type { BackupConfig } from '#shared/config/types';
import type { WarmedSystem } from './warmed-system';

const AXES = [
  { name: 'day', values: [0, 1, 2, 3] },
  { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
];

/** Takes and restores backups of a warmed system, as the process of a daemon does, with no daemon. */
export class BackupBench {
  readonly warmed: WarmedSystem;
  readonly folder: string;

  constructor(warmed: WarmedSystem, name = 'backups') {
    this.warmed = warmed;
    this.folder = join(warmed.system.folder, name);
    mkdirSync(this.folder, { recursive: true });
  }

  get targets() {
    const { redis, postgresUrl: url } = this.warmed.system;
    const postgres = { url, connectTimeoutMs: 2_000, statementTimeoutMs: 15_000 };
    return { keyPrefix: 'forewarm', cacheUrl: redis.url, postgres };
  }

  config(more: Partial<BackupConfig> = {}): BackupConfig {
    const keep = { last: 7, daily: 14, weekly: 8 };
    const times = { schedule: 'off', timezone: 'UTC' };
    return { ...times, folder: this.folder, folderNamed: true, compression: 'gzip', values: 'numbers', keep, ...more };
  }

  stores<T>(work: (stores: BackupStores) => Promise<T>, targets = this.targets): Promise<T> {
    return withStores(targets, 'm', work);
  }

  async take(more: Partial<TakeRequest> = {}, reporting: Partial<Reporting> = {}): Promise<readonly BackupManifest[]> {
    const request = { generation: 'live', known: [], backup: this.config(), version: '0.1.0', ...more } as const;
    const categories = more.categories ?? this.warmed.categories;
    const taken = await this.stores((stores) => takeBackup(stores, { ...request, categories }, reportingOf(reporting)));
    return taken.map(({ manifest }) => manifest);
  }

  async takeOne(more: Partial<TakeRequest> = {}, reporting: Partial<Reporting> = {}): Promise<BackupManifest> {
    const [manifest] = await this.take(more, reporting);
    if (manifest === undefined) throw new Error('nothing was backed up');
    return manifest;
  }

  pathOf({ file }: BackupManifest): string {
    return join(this.folder, file);
  }

  async restore(
    manifest: BackupManifest,
    more: Partial<RestoreRequest> = {},
    reporting: Partial<Reporting> = {},
    targets = this.targets,
  ): Promise<RestoreSummary> {
    const backup = await verifyBackup(this.pathOf(manifest));
    try {
      return await this.stores(
        (stores) => restoreBackup(stores, backup, this.request(more), reportingOf(reporting)),
        targets,
      );
    } finally {
      await backup.close();
    }
  }

  request(more: Partial<RestoreRequest> = {}): RestoreRequest {
    return {
      axes: AXES,
      outputs: undefined,
      categories: this.warmed.categories,
      expireAfterMs: undefined,
      pinOver: this.warmed.generation,
      ...{
        overwrite: false,
        allowIncomplete: false,
        dryRun: false,
        maxAgeMs: undefined,
        gates: undefined,
        by: 'a test',
      },
      ...more,
    };
  }
}

export function reportingOf(more: Partial<Reporting> = {}): Reporting {
  const onProgress = (_: BackupProgress): void => undefined;
  return { onProgress, signal: new AbortController().signal, now: () => new Date(), ...more };
}
