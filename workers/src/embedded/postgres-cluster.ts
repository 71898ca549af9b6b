import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ForewarmError } from '#shared/errors';
import type { PostgresHome } from './postgres-home';
import { identify, traitsOf } from './process-identity';
import type { ServerPlan, ServerProcess } from './server-process';
import { goneWithin, SHUTDOWN, shutDown } from './shutdown';

/** The superuser of the private cluster, and the database made in it. */
export const POSTGRES_USER = 'forewarm';

const DRAFT_PREFIX = 'new-';

/** What `initdb` needs and this module does not decide. */
export interface InitPlan {
  readonly program: string;
  /** Of the npm package; its first number is the major version of PostgreSQL. */
  readonly version: string;
  readonly launch: (
    plan: Pick<ServerPlan, 'program' | 'args' | 'workingDirectory' | 'directory' | 'name'>,
  ) => Promise<ServerProcess>;
}

export const dataOf = (home: PostgresHome): string => join(home.directory, 'data');

/**
 * The password of the cluster in `home`, which is made when there is none. Every user of the machine can reach a loopback
 * port, so that there always is a password; it is kept in a file that only we can read (0600). Throws FW_EMBEDDED_FAILED.
 */
export async function openCluster(home: PostgresHome, init: InitPlan): Promise<string> {
  removeDrafts(home);
  const data = dataOf(home);
  const passwordFile = join(home.directory, 'password');
  if (!existsSync(data)) {
    const password = randomBytes(24).toString('hex');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    await createCluster(home, init, password);
    return password;
  }
  checkVersion(data, init.version);
  if (!existsSync(passwordFile)) {
    throw new ForewarmError('FW_EMBEDDED_FAILED', `The password file ${passwordFile} of the database is missing.`, {
      next: `Put it back, or remove ${home.directory} to begin with an empty database.`,
    });
  }
  await clearLock(data);
  return readFileSync(passwordFile, 'utf8').trim();
}

async function createCluster(home: PostgresHome, init: InitPlan, password: string): Promise<void> {
  // Made aside and renamed at the end: an interrupted initdb leaves nothing that looks like a cluster.
  const draft = join(home.directory, `${DRAFT_PREFIX}${randomBytes(6).toString('hex')}`);
  const handed = join(draft, 'password');
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(handed, `${password}\n`, { mode: 0o600 });
  if (home.user !== undefined) for (const path of [draft, handed]) chownSync(path, home.user.uid, home.user.gid);
  const child = await init.launch({
    name: 'initdb',
    program: init.program,
    args: [
      ...['--pgdata', join(draft, 'data'), '--username', POSTGRES_USER],
      ...['--auth', 'scram-sha-256', '--pwfile', handed],
      // Minimal containers have no other locale; and bytes compare the same on every system.
      ...['--encoding', 'UTF8', '--locale', 'C'],
    ],
    workingDirectory: home.directory,
    directory: draft,
  });
  const { code } = await child.exited;
  if (code !== 0) throw child.failure('initdb could not create the database cluster');
  renameSync(join(draft, 'data'), dataOf(home));
  removeDrafts(home);
}

function removeDrafts(home: PostgresHome): void {
  for (const name of readdirSync(home.directory)) {
    if (!name.startsWith(DRAFT_PREFIX)) continue;
    // A killed initdb may have a child that writes for a moment yet.
    rmSync(join(home.directory, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

function checkVersion(data: string, version: string): void {
  const written = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const major = version.split('.')[0];
  if (written === major) return;
  throw new ForewarmError(
    'FW_EMBEDDED_FAILED',
    `The database in ${data} was written by PostgreSQL ${written}, and this is PostgreSQL ${major}.`,
    { next: `Remove ${data} to begin with an empty database, or go back to the forewarm that wrote it.` },
  );
}

/**
 * PostgreSQL refuses to start while any process of its user has the pid in its lock file, even a stranger, which happens
 * in containers, where pids are small. We look closer: a stranger's lock goes, and a server that runs on this data (whose
 * record was lost) is stopped.
 */
async function clearLock(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const found = identify(Number(readFileSync(file, 'utf8').split('\n')[0]));
  if (found === undefined) return;
  const { command } = traitsOf(found.pid);
  // Not to be seen (hidepid): then PostgreSQL shall decide.
  if (command === '') return;
  if (command.includes(data)) await shutDown(found.pid, SHUTDOWN.postgres, (ms) => goneWithin(found, ms));
  else rmSync(file, { force: true });
}
