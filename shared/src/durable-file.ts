import { existsSync } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Only the user that runs Forewarm reads what it writes, where nothing else is said. */
const MODE = 0o600;

/** `.NAME.HOST.PID.tmp`: hidden, and known to be nobody's when its process is gone. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${hostname()}.${process.pid}.tmp`);
}

/** The process that writes a temporary file of this name; `undefined` where it is none. */
export function temporaryOwner(file: string): { readonly host: string; readonly pid: number } | undefined {
  const [, rest = '', pid] = /^\.(.+)\.(\d+)\.tmp$/.exec(file) ?? [];
  const host = hostname();
  if (pid === undefined) return undefined;
  return { host: rest.endsWith(`.${host}`) ? host : '', pid: Number(pid) };
}

/** A new file beside `path`, which nobody else has. */
export function createTemporary(path: string, mode = MODE): Promise<FileHandle> {
  return open(temporaryPath(path), 'wx+', mode);
}

/**
 * Gives a file that is complete and synced its final name, which outlives a loss of power when this returns.
 * @throws NodeJS.ErrnoException EEXIST when the name is taken, unless it may be replaced
 */
export async function settle(
  temporary: string,
  path: string,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  if (replace) await rename(temporary, path);
  else await moveNew(temporary, path);
  await syncFolder(dirname(path));
}

/** A rename replaces what is there, in silence; a link does not. Some file systems have no links. */
async function moveNew(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
    await rm(temporary);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error;
    if (existsSync(path)) throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST' });
    await rename(temporary, path);
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file that fits into memory, whole or not at all. */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  how: { readonly replace: boolean; readonly mode?: number },
): Promise<void> {
  const temporary = temporaryPath(path);
  // In a container the next process has the number of the one that died over it.
  await rm(temporary, { force: true });
  const handle = await createTemporary(path, how.mode);
  try {
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await settle(temporary, path, how);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
