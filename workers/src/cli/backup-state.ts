import { BackupFolder } from '#shared/backup/backup-folder';
import type { BackupManifest } from '#shared/backup/documents';
import type { Config } from '#shared/config/types';

/** The newest backup of a model, and how many there are. */
export interface BackupState {
  readonly newest: Pick<BackupManifest, 'file' | 'startedAt' | 'rows' | 'missing' | 'bytes' | 'verifiedAt'> | null;
  readonly count: number;
}

/** What the folder has of each model; empty where this machine does not have the folder. */
export async function backupStates(config: Config): Promise<Map<string, BackupState>> {
  const states = new Map<string, BackupState>();
  const { backups } = await new BackupFolder(config.backup).list().catch(() => ({ backups: [] }));
  for (const { name } of config.models) {
    const [newest, ...older] = backups.filter(({ model }) => model === name);
    if (newest === undefined) continue;
    const { file, startedAt, rows, missing, bytes, verifiedAt } = newest;
    states.set(name, { newest: { file, startedAt, rows, missing, bytes, verifiedAt }, count: 1 + older.length });
  }
  return states;
}
