import { stat } from 'node:fs/promises';
import { writeDurably } from '#shared/durable-file';
import { ForewarmError, messageOf } from '#shared/errors';

/** One after the other: each has the same temporary name. */
let last: Promise<void> = Promise.resolve();

/**
 * Puts the bytes of a model into the place of its file, whole or not at all, with the rights of that.
 * @throws ForewarmError FW_MODEL_FILE_WRITE
 */
export function installModel(bytes: Uint8Array, path: string): Promise<void> {
  const installed = last.then(() => install(bytes, path));
  last = installed.catch(() => undefined);
  return installed;
}

async function install(bytes: Uint8Array, path: string): Promise<void> {
  const mode = await stat(path).then(
    (stats) => stats.mode & 0o777,
    () => 0o644,
  );
  try {
    await writeDurably(path, bytes, { replace: true, mode });
  } catch (error) {
    throw new ForewarmError('FW_MODEL_FILE_WRITE', `${path} cannot be replaced: ${messageOf(error)}`, { cause: error });
  }
}
