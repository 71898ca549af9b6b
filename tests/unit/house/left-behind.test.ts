import { existsSync } from 'node:fs';
import { runTestFiles } from '../../support/test-files';

const killed = (script: string) => `
  const { spawn } = require('node:child_process');
  test('passes', async () => {
    const child = spawn('sh', ['-c', ${JSON.stringify(script)}], { stdio: 'ignore' });
    await new Promise((done) => setTimeout(done, 700));
    await new Promise((done) => child.once('exit', done).kill('SIGKILL'));
  });`;
const sharedMemory = existsSync('/dev/shm');

test('a test file that leaves something behind fails, and one that tidies up does not', () => {
  const { code, report } = runTestFiles({
    tidy: `
      process.stdout.write('output opens a pipe, and that is no fault');
      const { spawn } = require('node:child_process');
      const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
      const { createServer } = require('node:net');
      const { tmpdir } = require('node:os');
      const { join } = require('node:path');
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
        const folder = mkdtempSync(join(tmpdir(), 'tidy-'));
        writeFileSync(join(folder, 'file'), '');
        rmSync(folder, { recursive: true });
      });`,
    child: `test('passes', () => { require('node:child_process').spawn('sleep', ['601'], { stdio: 'ignore' }).unref(); });`,
    orphan: `
      const command = 'sleep 602 < /dev/null > /dev/null 2>&1 &';
      test('passes', () => { require('node:child_process').spawnSync('sh', ['-c', command]); });`,
    scrubbed: killed('env -i sleep 603 & wait'),
    ...(sharedMemory ? { memory: killed('touch /dev/shm/left_$$ && exec sleep 600') } : {}),
    server: `test('passes', (done) => { require('node:net').createServer().listen(0, done); });`,
    thread: `
      const { Worker } = require('node:worker_threads');
      test('passes', (done) => { new Worker('setInterval(() => {}, 1000)', { eval: true }).once('online', done); });`,
    failing: `test('fails', () => { setInterval(() => {}, 1000); throw new Error('what went wrong first'); });`,
    timer: `test('passes', () => { setInterval(() => {}, 1000); });`,
    file: `
      const { mkdtempSync, writeFileSync } = require('node:fs');
      const { tmpdir } = require('node:os');
      const { join } = require('node:path');
      test('passes', () => { writeFileSync(join(mkdtempSync(join(tmpdir(), 'left-')), 'model.onnx'), ''); });`,
    mktemp: `test('passes', () => { require('node:child_process').spawnSync('mktemp', ['-d', '-t', 'by-child-XXXXXX']); });`,
    home: `
      const script = 'mkdir "$HOME/.cache" && touch "$HOME/.cache/diary"';
      test('passes', () => { require('node:child_process').spawnSync('sh', ['-c', script]); });`,
  });

  expect(code).toBe(1);
  expect(report).toContain('PASS tests/tidy.test.js');
  for (const name of ['child', 'orphan', 'scrubbed', 'server', 'thread', 'timer', 'file', 'mktemp', 'home'])
    expect(report).toContain(`FAIL tests/${name}.test.js`);
  expect(report).toMatch(/- process \d+: sleep 601\n/);
  expect(report).toMatch(/- process \d+: sleep 602\n/);
  expect(report).toMatch(/- process \d+: sleep 603\n/);
  expect(report).toContain('- 1 × TCPServerWrap\n');
  expect(report).toContain('- 1 × worker thread\n');
  expect(report).toMatch(/FAIL tests\/timer\.test\.js\n.*\n\n.*left behind:\n +- 1 × Timeout\n/);
  if (sharedMemory) expect(report).toMatch(/- shared memory of process (\d+), which was killed: \/dev\/shm\/left_\1\n/);
  // It does not hide why a test failed.
  expect(report).toContain('what went wrong first');
  expect(report).toContain('failing.test.js, of which a test failed, left behind:\n  - 1 × Timeout\n');
  expect(report).toMatch(/- temporary file: left-\w{6}\/model\.onnx\n/);
  expect(report).toMatch(/- temporary file: by-child-\w{6}\/\n/);
  expect(report).toContain('- file in the home: .cache/diary\n');
}, 90_000);
