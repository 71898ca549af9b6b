/**
 * The environment of every test file: Node's, plus three things.
 *
 * Typed arrays are those of the outer realm. Native modules check `instanceof` against the realm that they were loaded in, and a
 * `Float32Array` of Jest's own context is refused ("A float32 tensor's data must be type of function Float32Array()").
 *
 * It has a temporary folder and a home of its own (`TMPDIR`, `HOME`).
 *
 * A test file that leaves something behind fails: a child process (also one that was orphaned), a socket, a server, a timer,
 * shared memory of a killed process, a file in its temporary folder or home, a database on the shared PostgreSQL. What is left
 * on the servers of one test is found when they stop (`tests/support/servers`), and in the checkout after all tests
 * (`scripts/lib/run-jest.cjs`).
 */
const { relative } = require('node:path');
const { TestEnvironment: NodeEnvironment } = require('jest-environment-node');
const { watchResources } = require('./left-behind.cjs');
const { leftDatabases } = require('./left-databases.cjs');
const { makePrivateFolders } = require('./private-folders.cjs');

const typedArray = Object.getPrototypeOf(Uint8Array);
const binaryGlobals = Object.getOwnPropertyNames(globalThis).filter((name) => {
  const value = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
  return (
    typeof value === 'function' &&
    (Object.getPrototypeOf(value) === typedArray || ['ArrayBuffer', 'SharedArrayBuffer', 'DataView'].includes(name))
  );
});

class Environment extends NodeEnvironment {
  #resources;
  #folders;
  #graceMs;
  #path;
  #failed = false;

  constructor(config, context) {
    // Before `super`, which copies the process environment for the test file.
    const resources = watchResources();
    const folders = makePrivateFolders();
    super(config, context);
    this.#resources = resources;
    this.#folders = folders;
    this.#path = relative(config.globalConfig.rootDir, context.testPath);
    this.#graceMs = config.projectConfig.testEnvironmentOptions.leakGraceMs ?? 2000;
    for (const name of binaryGlobals) this.global[name] = globalThis[name];
  }

  /** Called by Jest with whatever happens. */
  handleTestEvent({ name }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.#failed = true;
  }

  async teardown() {
    await super.teardown();
    // Processes first: what still runs may still write.
    const left = await this.#resources.leftBehind(this.#graceMs);
    left.push(...this.#folders.leftBehind(), ...(await leftDatabases(this.#resources.file)));
    if (left.length === 0) return;
    const complaint = `left behind:\n${left.map((line) => `  - ${line}`).join('\n')}`;
    // Jest would show it in place of the failed tests, which come first: they may be why.
    if (this.#failed) process.stderr.write(`${this.#path}, of which a test failed, ${complaint}\n`);
    else throw new Error(`This test file ${complaint}\nStop or remove it in afterAll.`);
  }
}

module.exports = Environment;
