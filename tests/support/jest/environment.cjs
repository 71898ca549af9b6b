/**
 * The environment of every test file: Node's, plus two things.
 *
 * Typed arrays are those of the outer realm. Native modules check `instanceof` against the realm that they were loaded in, and a
 * `Float32Array` of Jest's own context is refused ("A float32 tensor's data must be type of function Float32Array()").
 *
 * A test file that leaves something behind fails: a child process (also one that was orphaned), a socket, a server, a timer.
 */
const { TestEnvironment: NodeEnvironment } = require('jest-environment-node');
const { watchResources } = require('./left-behind.cjs');

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
  #graceMs;

  constructor(config, context) {
    // Before `super`, which copies the process environment for the test file.
    const resources = watchResources();
    super(config, context);
    this.#resources = resources;
    this.#graceMs = config.projectConfig.testEnvironmentOptions.leakGraceMs ?? 2000;
    for (const name of binaryGlobals) this.global[name] = globalThis[name];
  }

  async teardown() {
    await super.teardown();
    const left = await this.#resources.leftBehind(this.#graceMs);
    if (left.length > 0) {
      throw new Error(
        `This test file left behind:\n${left.map((line) => `  - ${line}`).join('\n')}\nStop it in afterAll.`,
      );
    }
  }
}

module.exports = Environment;
