import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BackupFolder } from '#shared/backup/backup-folder';
import type { Config } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';

/**
 * The path of the backup that is meant: a file, or a name of the list in `backup.folder`, or `latest`.
 * @throws ForewarmError FW_BACKUP_MISSING, FW_BACKUP_FOLDER, FW_USAGE
 */
export async function findBackup(config: Config, file: string, model: string | undefined): Promise<string> {
  if (file !== 'latest' && existsSync(file) && statSync(file).isFile()) return resolve(file);
  const folder = new BackupFolder(config.backup);
  const names = config.models.map(({ name }) => name);
  if (file === 'latest' && model === undefined && names.length > 1) {
    throw new ForewarmError('FW_USAGE', `latest of which model? Give --model; configured are ${names.join(', ')}`);
  }
  return folder.pathOf(await folder.find(file, file === 'latest' ? (model ?? names[0]) : model));
}
