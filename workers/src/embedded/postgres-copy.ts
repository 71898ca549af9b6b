import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { draftOf, isOurs } from './store';

/** Written into a copy when it is whole. */
const COMPLETE = 'complete';

interface Link {
  /** Where it is, relative to the package. */
  readonly target: string;
  /** What it leads to, relative to the package; always in the same folder. */
  readonly source: string;
}

/** Whether the symbolic links of the package exist: npm keeps none, and its postinstall makes them, if it was run. */
export function linksAreThere(native: string): boolean {
  return linksOf(native).every(({ target }) => existsSync(join(dirname(native), target)));
}

/** Makes the missing links that `native/pg-symlinks.json` lists. */
export function makeLinks(native: string): void {
  for (const { source, target } of linksOf(native)) {
    const path = join(dirname(native), target);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(basename(source), path);
  }
}

/** A copy of `native` in `store` that everybody may read and run, made once for each build. Returns its `native`. */
export function copyInto(store: string, native: string, version: string): string {
  const copy = join(store, `postgres-${version}-${fingerprint(native)}`);
  const inCopy = join(copy, 'native');
  // Only we can write in the store, so that what is whole there is what we wrote.
  if (isOurs(copy) && existsSync(join(copy, COMPLETE))) return inCopy;
  rmSync(copy, { recursive: true, force: true });
  const draft = draftOf(copy);
  cpSync(native, join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    // Static libraries are only for building.
    filter: (path) => !path.endsWith('.a'),
  });
  makeLinks(join(draft, 'native'));
  writeFileSync(join(draft, COMPLETE), `${version}\n`);
  openToAll(draft);
  try {
    renameSync(draft, copy);
  } catch (error) {
    // Another start was faster.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(copy, COMPLETE))) throw error;
  }
  return inCopy;
}

function linksOf(native: string): Link[] {
  const list = join(native, 'pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : [];
}

/** Readable for all and writable for us alone, whatever the umask was when the package was installed. */
function openToAll(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Tells two builds of one version apart by the names, sizes and dates of their programs and libraries. */
function fingerprint(native: string): string {
  const hash = createHash('sha256');
  for (const folder of ['bin', 'lib']) {
    for (const name of readdirSync(join(native, folder)).sort()) {
      const stat = lstatSync(join(native, folder, name));
      if (stat.isFile()) hash.update(`${folder}/${name} ${stat.size} ${Math.trunc(stat.mtimeMs)}\n`);
    }
  }
  return hash.digest('hex').slice(0, 12);
}
