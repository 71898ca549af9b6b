// Exit code 0 when node_modules holds what package-lock.json asks for on this platform, by npm's own list of what it installed.
// That list is written last: it is missing after an interrupted installation.
const { readFileSync } = require('node:fs');

const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
const suits = (list, name) =>
  !list || (list.includes(name) ? true : list.every((entry) => entry.startsWith('!') && entry !== `!${name}`));

function isInstalled() {
  const locked = read('package-lock.json');
  const installed = read('node_modules/.package-lock.json');
  const wanted = Object.entries(locked).filter(([path]) => path.startsWith('node_modules/'));
  return (
    wanted.every(([path, { version, optional }]) =>
      installed[path] ? installed[path].version === version : optional,
    ) && Object.values(installed).every(({ os, cpu }) => suits(os, process.platform) && suits(cpu, process.arch))
  );
}

let installed = false;
try {
  installed = isInstalled();
} catch {
  // No list, or not one that we can read: not installed.
}
process.exitCode = installed ? 0 : 1;
