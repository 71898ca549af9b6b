import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ForewarmError } from '#shared/errors';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Asked in this order. `_postgres` is what macOS calls it. */
const CANDIDATES = ['postgres', '_postgres', 'nobody'];

/**
 * Whom to run PostgreSQL as: undefined means ourselves. It refuses to run as root, so root gets a system user without
 * rights. Throws FW_EMBEDDED_FAILED when this system has none.
 */
export function unprivilegedUser(passwdFile = '/etc/passwd'): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = existsSync(passwdFile) ? parsePasswd(readFileSync(passwdFile, 'utf8')) : [];
  for (const name of CANDIDATES) {
    const user = users.find((one) => one.name === name && one.uid > 0 && one.gid > 0);
    if (user !== undefined) return user;
  }
  throw new ForewarmError(
    'FW_EMBEDDED_FAILED',
    `PostgreSQL does not run as root, and ${passwdFile} has none of the users ${CANDIDATES.join(', ')} to run it as.`,
    { next: 'Start forewarm as an ordinary user, or add a system user called postgres.' },
  );
}

/** The user of that number; one that passwd(5) does not know is called by its number. */
export function userOfId(uid: number, gid: number, passwdFile = '/etc/passwd'): SystemUser {
  const users = existsSync(passwdFile) ? parsePasswd(readFileSync(passwdFile, 'utf8')) : [];
  return users.find((one) => one.uid === uid) ?? { name: String(uid), uid, gid };
}

/** The users of a text in the format of passwd(5); lines of another form are left out. */
export function parsePasswd(text: string): SystemUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || name === '' || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}

/**
 * Whether `user` may enter `directory` and every folder above it, by the permission bits. The user has no further
 * groups, because a spawn under another uid drops them.
 */
export function canEnter(directory: string, user: SystemUser): boolean {
  let path = realpathSync(directory);
  for (;;) {
    const { mode, uid, gid } = statSync(path);
    const execute = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    const above = dirname(path);
    if (above === path) return true;
    path = above;
  }
}
