import { readFile, stat } from 'node:fs/promises';
import { ForewarmError, messageOf } from '../errors';
import type { ModelMapping } from './spec';

type FileOf = Pick<ModelMapping, 'name' | 'file'>;

/** @throws ForewarmError FW_MODEL_FILE_MISSING */
export async function readModelFile(model: FileOf): Promise<Buffer> {
  return readFile(model.file).catch((error: unknown) => Promise.reject(unreadable(model, error)));
}

/**
 * Differs when the file was replaced or written to: its place on the disk, length and time of change.
 * @throws ForewarmError FW_MODEL_FILE_MISSING
 */
export async function stampOfModelFile(model: FileOf): Promise<string> {
  const stats = await stat(model.file, { bigint: true }).catch((error: unknown) =>
    Promise.reject(unreadable(model, error)),
  );
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}

function unreadable({ name, file }: FileOf, error: unknown): ForewarmError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const why = missing ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
  return new ForewarmError('FW_MODEL_FILE_MISSING', `models.${name}.file: ${file} ${why}`, {
    next: `Check models.${name}.file.`,
    cause: error,
  });
}
