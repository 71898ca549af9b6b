/**
 * Adds the lockfile entries of optional platform packages that the registry in use does not offer: `npm install` leaves
 * them out then, and `npm ci` refuses the lockfile everywhere. Run it when tests/unit/house/lockfile.test.ts says so:
 *
 *   node scripts/lib/complete-lockfile.cjs [package-lock.json]
 */
const { readFileSync, writeFileSync } = require('node:fs');

const SYSTEMS = ['android', 'darwin', 'linux', 'win32', 'freebsd', 'openharmony', 'aix', 'openbsd', 'netbsd', 'sunos'];
const PROCESSORS = {
  ...{ armv7: 'arm', arm64: 'arm64', x64: 'x64', arm: 'arm', ia32: 'ia32', ppc64: 'ppc64', s390x: 's390x' },
  ...{ riscv64: 'riscv64', loong64: 'loong64', mips64el: 'mips64el' },
};

/** Whether `name` is found from the package at `where`, as Node looks packages up. */
function isThere(packages, where, name) {
  for (let at = where; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]) return true;
    if (at === '') return false;
  }
}

/** The entry for a platform package, read off its name; `undefined` when the name does not tell. */
function entryFor(name, version, parent) {
  const words = name.split('/').pop().split('-');
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS[words.find((word) => PROCESSORS[word])];
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) return undefined;
  const gnu = os === 'linux' && words.some((word) => word.startsWith('gnu'));
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : gnu ? ['glibc'] : undefined;
  return { version, cpu: [cpu], ...(parent.dev && { dev: true }), ...(libc && { libc }), optional: true, os: [os] };
}

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));
for (const [where, parent] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isThere(lock.packages, where, name)) continue;
    const entry = entryFor(name, version, parent);
    process.stdout.write(`${entry ? 'added' : 'cannot tell the platform of'} ${name} ${version}\n`);
    if (entry) lock.packages[`node_modules/${name}`] = entry;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`);
