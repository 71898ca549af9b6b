import type { BackupFolder } from '#shared/backup/backup-folder';
import type { BackupRunner } from '#shared/backup/backup-runner';
import type { BackupStore } from '#shared/store/backup-store';
import type { BackupTimes } from './backup-times';

/** What the jobs that take and restore backups work with. */
export interface Backups {
  readonly folder: BackupFolder;
  readonly runner: BackupRunner;
  readonly store: BackupStore;
  readonly times: BackupTimes;
}
