import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ForewarmError } from '#shared/errors';
import { draftOf, isOurs, openStore } from './store';
import { canEnter, type SystemUser, userOfId } from './system-user';

/** In `FOLDER/postgres`: names the home, where it lies elsewhere. */
const POINTER = 'location';

/** In a home that lies elsewhere: names the folder it belongs to. */
const OWNER = 'folder';

/** Where a cluster (`data`) and its password lie. The directory belongs to us, `data` in it to the user. */
export interface PostgresHome {
  readonly directory: string;
  /** Whom PostgreSQL runs as; undefined: as ourselves. */
  readonly user: SystemUser | undefined;
}

/**
 * The home is `FOLDER/postgres`, except for root when `user` cannot reach that: then it lies in one of `stores`, and
 * `FOLDER/postgres/location` says where. A cluster that exists goes on under the user that owns it. Throws
 * FW_EMBEDDED_FAILED when it belongs to another user and we are not root, or when there is no place that can be reached.
 */
export function placeHome(folder: string, user: SystemUser | undefined, stores: readonly string[]): PostgresHome {
  const near = join(realpathSync(folder), 'postgres');
  mkdirSync(near, { recursive: true, mode: user === undefined ? 0o700 : 0o711 });
  if (user === undefined) return { directory: near, user: refuseForeign(near) };
  const far = pointedTo(near);
  if (far !== undefined && isOurs(far) && claim(far, near)) return { directory: far, user: ownerOf(far) ?? user };
  chmodSync(near, 0o711);
  const runAs = ownerOf(near) ?? user;
  const directory = canEnter(near, runAs) ? near : moveAway(near, runAs, stores);
  return { directory, user: runAs };
}

function refuseForeign(near: string): undefined {
  const uid = statSync(join(near, 'data'), { throwIfNoEntry: false })?.uid;
  const elsewhere = uid === undefined ? pointedTo(near) : undefined;
  if ((uid === undefined || uid === process.getuid?.()) && elsewhere === undefined) return undefined;
  throw new ForewarmError(
    'FW_EMBEDDED_FAILED',
    `The database of this folder was made by a forewarm that ran as root (${elsewhere ?? near}).`,
    { next: 'Start it as root again, or use another folder.' },
  );
}

function ownerOf(home: string): SystemUser | undefined {
  const stat = statSync(join(home, 'data'), { throwIfNoEntry: false });
  return stat === undefined || stat.uid === 0 ? undefined : userOfId(stat.uid, stat.gid);
}

function moveAway(near: string, user: SystemUser, stores: readonly string[]): string {
  const home = join(openStore(stores, user), `data-${randomBytes(6).toString('hex')}`);
  mkdirSync(home);
  chmodSync(home, 0o711);
  // The folder was reachable once, and was moved into a closed one since.
  if (existsSync(join(near, 'data'))) {
    for (const name of ['password', 'data']) move(join(near, name), join(home, name));
  }
  writeFileSync(join(home, OWNER), `${near}\n`, { mode: 0o600 });
  writeFileSync(join(near, POINTER), `${home}\n`, { mode: 0o600 });
  return home;
}

function pointedTo(near: string): string | undefined {
  const file = join(near, POINTER);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** False when the folder is a copy, and the one it was copied from still uses that home. A moved folder keeps its home. */
function claim(home: string, near: string): boolean {
  const file = join(home, OWNER);
  const owner = existsSync(file) ? readFileSync(file, 'utf8').trim() : near;
  if (owner === near) return true;
  if (pointedTo(owner) === home) return false;
  writeFileSync(file, `${near}\n`, { mode: 0o600 });
  return true;
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // Another file system. Node copies without owners, cp does not.
    const draft = draftOf(to);
    execFileSync('/bin/cp', ['-a', from, draft], { env: {} });
    renameSync(draft, to);
    rmSync(from, { recursive: true, force: true });
  }
}
