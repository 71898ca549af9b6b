import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = resolve(__dirname, '../../../scripts/lib/run-jest.cjs');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forewarm-run-jest-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs these test files, by name, with `root` as the checkout. */
function run(files: Record<string, string>): { code: number | null; report: string; counts: string } {
  mkdirSync(join(root, 'checkout', 'samples'), { recursive: true });
  mkdirSync(join(root, 'checkout', '.forewarm'));
  for (const [name, body] of Object.entries(files)) writeFileSync(join(root, 'checkout', `${name}.test.js`), body);
  const config = { cacheDirectory: join(root, 'cache'), transform: {}, maxWorkers: 2 };
  writeFileSync(join(root, 'checkout', 'jest.config.json'), JSON.stringify(config));
  const counts = join(root, 'counts');
  const { status, stderr } = spawnSync(process.execPath, [program, counts], {
    cwd: join(root, 'checkout'),
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: status, report: stderr, counts: readFileSync(counts, 'utf8') };
}

test('what tests leave in the checkout or in the temporary folder of the run fails it, and is named', () => {
  const { code, report, counts } = run({
    checkout: `
      const { mkdirSync, rmSync, writeFileSync } = require('node:fs');
      test('passes', () => {
        writeFileSync('left.log', '');
        mkdirSync('samples/deep/er', { recursive: true });
        writeFileSync('samples/deep/er/left.csv', '');
        writeFileSync('gone', '');
        rmSync('gone');
        for (const made of ['dist', 'coverage', 'node_modules']) mkdirSync(made);
        writeFileSync('.forewarm/running', '');
      });`,
    temporary: `
      const { writeFileSync } = require('node:fs');
      const { tmpdir } = require('node:os');
      test('passes', () => { writeFileSync(tmpdir() + '/left', ''); console.error('in <' + tmpdir() + '>'); });`,
  });

  expect(report).toMatch(/^The tests left left\.log in the checkout, made while .*\bcheckout\.test\.js\b.* ran\.$/m);
  expect(report).toMatch(/^The tests left samples\/deep\/ in the checkout, made while .*\bcheckout\.test\.js\b/m);
  expect(report).toMatch(/^The run left left in its temporary folder\.$/m);
  expect(report.match(/^The .*/gm)).toHaveLength(3);
  expect([code, counts]).toEqual([1, '2 3\n']);
  const folder = /in <(.*forewarm-jest-.*)>/.exec(report)?.[1] ?? '';
  expect([folder === '', existsSync(folder)]).toEqual([false, false]);
}, 60_000);

test('a run that leaves nothing passes', () => {
  const { code, report, counts } = run({ tidy: `test('passes', () => {});` });
  expect(report).not.toMatch(/^The (run|tests) left/m);
  expect([code, counts]).toEqual([0, '1 0\n']);
}, 60_000);

test('a run that is killed says by what', () => {
  const { code, report, counts } = run({ killer: `test('kills', () => { process.kill(process.pid, 'SIGKILL'); });` });
  expect(report).toMatch(/^Jest ended by SIGKILL without a result: /m);
  expect([code, counts]).toEqual([1, '0 1\n']);
}, 60_000);
