/** The temporary folder and the home of one test file: what stays in them is its doing, and no parallel file's. */
const { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, relative } = require('node:path');

/** Where programs look before they look in the home. */
const elsewhere = ['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'];
/** Entries of one folder that are named before they are only counted. */
const named = 10;

/** Sets the environment; returns a function that sets it back. */
function setEnvironment(values) {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  const apply = (variables) => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  apply(values);
  return () => apply(before);
}

/** Files, and folders with nothing in them, below `folder`. */
function entriesOf(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    const inside = entriesOf(path);
    return inside.length === 0 ? [`${path}/`] : inside;
  });
}

function describe(what, folder) {
  const paths = entriesOf(folder).map((path) => `${what}: ${relative(folder, path)}${path.endsWith('/') ? '/' : ''}`);
  return paths.length <= named ? paths : [...paths.slice(0, named), `${what}: ${paths.length - named} more`];
}

/**
 * Gives the test file that is about to be loaded, and what it starts, a TMPDIR and a HOME. `leftBehind()` takes them away again
 * and answers with one line for each file that is still in them; call it when every process of the file has ended.
 */
function makePrivateFolders() {
  // Short: whoever puts a socket there has 107 bytes for its path.
  const root = mkdtempSync(join(tmpdir(), 'fw-'));
  const temporary = join(root, 'tmp');
  const home = join(root, 'home');
  mkdirSync(temporary);
  mkdirSync(home);
  // To be passed through: as root, PostgreSQL runs as somebody else.
  for (const folder of [root, temporary]) chmodSync(folder, 0o711);
  const restore = setEnvironment({
    TMPDIR: temporary,
    HOME: home,
    ...Object.fromEntries(elsewhere.map((name) => [name, undefined])),
  });

  return {
    leftBehind() {
      restore();
      const left = [...describe('temporary file', temporary), ...describe('file in the home', home)];
      // A process that was killed a moment ago may write its last.
      rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
      return left;
    },
  };
}

module.exports = { makePrivateFolders };
