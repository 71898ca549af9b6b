import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { ForewarmError } from '#shared/errors';
import type { Environment } from './child-environment';

const NAMES = ['redis-server', 'valkey-server'];

/** The systems whose package manager we can name, by the `ID` and `ID_LIKE` of os-release(5). */
const INSTALL: Readonly<Record<string, string>> = {
  debian: 'apt-get install redis-server',
  ubuntu: 'apt-get install redis-server',
  fedora: 'dnf install valkey',
  rhel: 'dnf install redis',
  alpine: 'apk add redis',
  arch: 'pacman -S valkey',
  suse: 'zypper install redis',
};

/** The path of `redis-server`, or else of `valkey-server`, on the PATH. Throws FW_BINARY_MISSING when there is neither. */
export function findRedisProgram(environment: Environment): string {
  // Relative parts are left out: the server runs in another working directory than ours.
  const directories = (environment.PATH ?? '').split(delimiter).filter((part) => isAbsolute(part));
  for (const name of NAMES) {
    const found = directories.map((directory) => join(directory, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  const command = installCommand(process.platform, osRelease(), process.getuid?.() === 0);
  throw new ForewarmError('FW_BINARY_MISSING', `Neither ${NAMES.join(' nor ')} is on the PATH.`, {
    details: { programs: NAMES, install: command ?? null },
    next:
      command === undefined
        ? 'Install Redis 6.2 or later, or set FOREWARM_REDIS_URL to a server that runs already.'
        : `Install it: ${command} (or set FOREWARM_REDIS_URL to a server that runs already).`,
  });
}

/** The command that installs Redis here; undefined on a system that we do not know. */
export function installCommand(platform: NodeJS.Platform, osReleaseText: string, root: boolean): string | undefined {
  if (platform === 'darwin') return 'brew install redis';
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osReleaseText)?.[1] ?? '';
  const families = `${value('ID')} ${value('ID_LIKE')}`.split(/\s+/);
  const family = families
    .map((one) => (one.startsWith('opensuse') ? 'suse' : one))
    .find((one) => Object.hasOwn(INSTALL, one));
  const command = family === undefined ? undefined : INSTALL[family];
  return command === undefined || root ? command : `sudo ${command}`;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
