import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { ForewarmError, messageOf } from '#shared/errors';
import { canEnter, type SystemUser } from './system-user';

/**
 * Where root keeps what an unprivileged user has to reach although the project lies in a closed folder. `/var/tmp` is
 * for systems whose `/var/lib` cannot be written.
 */
export const ROOT_STORES: readonly string[] = ['/var/lib/forewarm', '/var/tmp/forewarm-root'];

/**
 * The first of `candidates` that is, or can be made, a directory of our own that nobody else may write and that `user`
 * may enter. Throws FW_EMBEDDED_FAILED when there is none: a name in `/var/tmp` can be taken by anybody, and what lies in
 * a directory of somebody else must not be run.
 */
export function openStore(candidates: readonly string[], user: SystemUser | undefined): string {
  const problems: string[] = [];
  for (const directory of candidates) {
    const problem = tryStore(directory, user);
    if (problem === undefined) return directory;
    problems.push(`${directory}: ${problem}`);
  }
  throw new ForewarmError(
    'FW_EMBEDDED_FAILED',
    `No place for PostgreSQL that the user ${user?.name ?? '(ourselves)'} can reach: ${problems.join('; ')}.`,
    { next: 'Start forewarm as an ordinary user, or make one of these directories usable.' },
  );
}

/** Whether `path` itself (no symbolic link) is a directory of ours that no other user may write. */
export function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
}

/** A name next to `path` that nobody has. */
export function draftOf(path: string): string {
  return `${path}.new-${randomBytes(6).toString('hex')}`;
}

function tryStore(directory: string, user: SystemUser | undefined): string | undefined {
  try {
    mkdirSync(directory, { mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return messageOf(error);
  }
  if (!isOurs(directory)) return 'it belongs to, or can be written by, another user';
  if (user !== undefined && !canEnter(directory, user)) return 'a folder above it is closed';
  return isWritable(directory) ? undefined : 'it cannot be written';
}

function isWritable(directory: string): boolean {
  const probe = draftOf(`${directory}/probe`);
  try {
    mkdirSync(probe);
    rmSync(probe, { recursive: true });
    return true;
  } catch {
    return false;
  }
}
