import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ForewarmError, messageOf } from '#shared/errors';

/**
 * The real path of `folder`, which is made where it is missing and closed to others.
 * @throws ForewarmError FW_USAGE when it cannot be made or is not this user's
 */
export function openFolder(folder: string): string {
  try {
    makeFolder(folder);
    // Nobody else may look into it. For root it stays open to pass through, for the user that runs PostgreSQL.
    chmodSync(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    return realpathSync(folder);
  } catch (error) {
    throw new ForewarmError('FW_USAGE', `the folder ${folder} cannot be used: ${messageOf(error)}`, {
      next: 'Name another one with --folder, or start where you may write.',
      cause: error,
    });
  }
}

/**
 * Each missing folder by itself. With `recursive` Node.js tries for ever where the system answers ENOENT although the parent is
 * there, as in /proc.
 */
function makeFolder(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
