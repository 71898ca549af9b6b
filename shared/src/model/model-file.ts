import { readFile, stat } from 'node:fs/promises';
import { ForewarmError, messageOf } from '../errors';

/** Which file, and the model of the configuration that has it, if one does. */
export interface FileOf {
  readonly file: string;
  readonly name?: string | undefined;
}

/** What messages about the file begin with. */
export function settingOf({ name }: FileOf): string {
  return name === undefined ? '' : `models.${name}.file: `;
}

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

/** When the file of this stamp was written to, milliseconds since 1970 UTC by its file system. */
export function changedAtMs(stamp: string): number {
  return Number(BigInt(stamp.split(':').at(-1) ?? '0') / 1_000_000n);
}

function unreadable(model: FileOf, error: unknown): ForewarmError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const why = missing ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
  return new ForewarmError('FW_MODEL_FILE_MISSING', `${settingOf(model)}${model.file} ${why}`, {
    next: model.name === undefined ? 'Check the path.' : `Check models.${model.name}.file.`,
    cause: error,
  });
}
