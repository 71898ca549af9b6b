import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const repository = resolve(__dirname, '../../..');
const roots: string[] = [];

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** Runs Jest on test files of their own, in two workers as scripts/test does; answers its report. */
function runJest(files: Record<string, string>): { code: number | null; report: string } {
  const root = mkdtempSync(join(tmpdir(), 'forewarm-left-behind-'));
  roots.push(root);
  mkdirSync(join(root, 'tests'));
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  for (const [name, body] of Object.entries(files)) writeFileSync(join(root, 'tests', `${name}.test.js`), body);
  const config = {
    rootDir: root,
    testEnvironment: join(repository, 'tests/support/jest/environment.cjs'),
    testEnvironmentOptions: { leakGraceMs: 500 },
    transform: {},
    maxWorkers: 2,
  };
  writeFileSync(join(root, 'jest.config.json'), JSON.stringify(config));
  const { status, stderr } = spawnSync(process.execPath, [join(repository, 'node_modules/jest/bin/jest.js')], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: status, report: stderr };
}

test('a test file that leaves something behind fails, and one that tidies up does not', () => {
  const { code, report } = runJest({
    tidy: `
      process.stdout.write('output opens a pipe, and that is no fault');
      const { spawn } = require('node:child_process');
      const { createServer } = require('node:net');
      const { Worker } = require('node:worker_threads');
      test('passes', async () => {
        const child = spawn('sleep', ['600']);
        const server = createServer().listen(0);
        const thread = new Worker('setInterval(() => {}, 1000)', { eval: true });
        const timer = setInterval(() => {}, 1000);
        clearInterval(timer);
        await thread.terminate();
        await new Promise((done) => server.close(done));
        await new Promise((done) => child.once('exit', done).kill());
      });`,
    child: `test('passes', () => { require('node:child_process').spawn('sleep', ['601'], { stdio: 'ignore' }).unref(); });`,
    orphan: `
      const command = 'sleep 602 < /dev/null > /dev/null 2>&1 &';
      test('passes', () => { require('node:child_process').spawnSync('sh', ['-c', command]); });`,
    scrubbed: `
      const { spawn } = require('node:child_process');
      test('passes', async () => {
        const child = spawn('sh', ['-c', 'env -i sleep 603 & wait'], { stdio: 'ignore' });
        await new Promise((done) => setTimeout(done, 700));
        await new Promise((done) => child.once('exit', done).kill('SIGKILL'));
      });`,
    server: `test('passes', (done) => { require('node:net').createServer().listen(0, done); });`,
    thread: `
      const { Worker } = require('node:worker_threads');
      test('passes', (done) => { new Worker('setInterval(() => {}, 1000)', { eval: true }).once('online', done); });`,
    timer: `test('passes', () => { setInterval(() => {}, 1000); });`,
  });

  expect(code).toBe(1);
  expect(report).toContain('PASS tests/tidy.test.js');
  for (const name of ['child', 'orphan', 'scrubbed', 'server', 'thread', 'timer'])
    expect(report).toContain(`FAIL tests/${name}.test.js`);
  expect(report).toMatch(/- process \d+: sleep 601\n/);
  expect(report).toMatch(/- process \d+: sleep 602\n/);
  expect(report).toMatch(/- process \d+: sleep 603\n/);
  expect(report).toContain('- 1 × TCPServerWrap\n');
  expect(report).toContain('- 1 × worker thread\n');
  expect(report).toContain('- 1 × Timeout\n');
}, 90_000);
