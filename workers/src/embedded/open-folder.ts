import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ForewarmError, messageOf } from '#shared/errors';
import { LOCK_FILE } from './folder-lock';

/** What is in every folder that an `up` has run on; nowhere else are both. */
export const FOLDERS_OF_OURS = ['run', 'logs'] as const;

/**
 * The real path of `folder`, which is made where it is missing and closed to others. Only one that is empty or was ours before
 * is taken: somebody's home, or a project, is neither to be closed nor to be filled.
 * @throws ForewarmError FW_USAGE when it cannot be made, is not this user's, or holds something else
 */
export function openFolder(folder: string): string {
  try {
    makeFolder(folder);
    const found = readdirSync(folder);
    if (found.length > 0 && !found.includes(LOCK_FILE) && !FOLDERS_OF_OURS.every((name) => found.includes(name))) {
      throw new Error(`it holds other things, such as ${found.sort()[0]}`);
    }
    // Nobody else may look into it. For root it stays open to pass through, for the user that runs PostgreSQL.
    chmodSync(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    return realpathSync(folder);
  } catch (error) {
    throw new ForewarmError('FW_USAGE', `the folder ${folder} cannot be used: ${messageOf(error)}`, {
      next: 'Name a new or an empty one with --folder, or start where you may write.',
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
