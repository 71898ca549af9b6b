// What tests left in the checkout. One look before the tests and one after them: a look for each test file would blame one of them
// for what another does at the same time.
const { readdirSync, statSync } = require('node:fs');
const { basename, join } = require('node:path');

/** Made by tools. */
const passedOver = ['.git', 'coverage', 'dist', 'node_modules'];
/** Of a `forewarm up` that runs here: not looked into. */
const closed = '.forewarm';

/** Every path below `root`; those of folders end with a slash. */
function pathsIn(root) {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    const path = join(root, entry.name);
    if (!entry.isDirectory()) return [path];
    if (passedOver.includes(entry.name)) return [];
    return [`${path}/`, ...(entry.name === closed ? [] : pathsIn(path))];
  });
}

/**
 * Notes what is there. The function it returns takes Jest's `testResults` and answers with one line for each path that is new,
 * naming the test files that ran when it was made.
 */
function watchCheckout(root) {
  const before = new Set(pathsIn(root));
  return (testResults) => {
    const added = pathsIn(root).filter((path) => !before.has(path));
    const folders = added.filter((path) => path.endsWith('/'));
    return added
      .filter((path) => !folders.some((folder) => folder !== path && path.startsWith(folder)))
      .map((path) => `The tests left ${path.slice(root.length + 1)} in the checkout${whoRan(path, testResults)}.`);
  };
}

function whoRan(path, testResults) {
  const made = statSync(path, { throwIfNoEntry: false })?.birthtimeMs;
  const running = testResults.filter(({ startTime, endTime }) => startTime <= made && made <= endTime);
  return running.length === 0 ? '' : `, made while ${running.map(({ name }) => basename(name)).join(' and ')} ran`;
}

module.exports = { watchCheckout };
