// Runs Jest and fails, where Jest only warns, waits or does not look, when something is left at the end: open, in the temporary
// folder of the run, or in the checkout, which is the current folder.
// Usage: run-jest.cjs COUNTS [jest options]     COUNTS: a file that gets `<passed> <failed>`
const { spawn } = require('node:child_process');
const { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { basename, join } = require('node:path');
const { watchCheckout } = require('./checkout-files.cjs');

const exitGraceMs = 15_000;
const pollMs = 250;

const [countsFile, ...options] = process.argv.slice(2);
// Everything temporary of the run is in here, and gone with it, also after Ctrl-C.
const folder = mkdtempSync(join(tmpdir(), 'forewarm-jest-'));
// To be passed through: as root, PostgreSQL runs as somebody else.
chmodSync(folder, 0o711);
const resultFile = join(folder, 'result.json');
const leftInCheckout = watchCheckout(process.cwd());
const complaints = [];

const jest = spawn(
  process.execPath,
  [require.resolve('jest/bin/jest'), '--json', `--outputFile=${resultFile}`, '--passWithNoTests', ...options],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      TMPDIR: folder,
      ...(process.stderr.isTTY && process.env.NO_COLOR === undefined && { FORCE_COLOR: '1' }),
    },
  },
);
jest.stderr.setEncoding('utf8').on('data', (chunk) => {
  // Jest gives its workers half a second to exit, which a busy machine takes: that one was killed says nothing of the tests. What a test
  // file leaves open is found by its environment, at its end.
  process.stderr.write(
    chunk
      .replace(/^Test results written to: .*\n/m, '')
      .replace(/^A worker process has failed to exit gracefully.*\n/m, ''),
  );
});

let resultSeenAt;
const watch = setInterval(() => {
  if (!existsSync(resultFile)) return;
  resultSeenAt ??= performance.now();
  if (performance.now() - resultSeenAt < exitGraceMs) return;
  clearInterval(watch);
  complaints.push(`Jest did not end within ${exitGraceMs / 1000} s after its last test: something is left open.`);
  jest.kill('SIGKILL');
}, pollMs);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));

jest.on('close', (code, signal) => {
  clearInterval(watch);
  let passed = 0;
  let failed = 0;
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'));
    passed = result.numPassedTests;
    // A file that could not run, or that left something behind, counts as one.
    failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    const left = readdirSync(folder).filter((name) => name !== basename(resultFile));
    complaints.push(...left.map((name) => `The run left ${name} in its temporary folder.`));
    complaints.push(...leftInCheckout(result.testResults));
  } catch (error) {
    complaints.push(`Jest ended by ${signal ?? `exit code ${code}`} without a result: ${error.message}`);
  }
  failed += complaints.length;
  if (code !== 0 && failed === 0) failed = 1;
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(countsFile, `${passed} ${failed}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
});
