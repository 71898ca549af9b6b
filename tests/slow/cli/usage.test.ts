import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder, removeFolders } from '../../support/servers/temp-folder';
import { killHung, onlyError, say } from './command';

/** The command line as a stranger meets it: help, typing errors, pipes, colours. No server is needed for any of it. */

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..', '..');
const MAIN = join(ROOT, 'dist', 'workers', 'main.js');
const SAMPLE = ['--config', join(ROOT, 'forewarm.yaml')];
let folder: string;

beforeAll(() => {
  folder = makeTempFolder('usage');
});
afterEach(killHung);
afterAll(() => removeFolders(folder));

test('config check says what the sample takes', async () => {
  const said = await say(['config', 'check', ...SAMPLE], folder);
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  expect(said.stdout).toMatch(/^calls +110 +7 x 24 = 168 +18,480 +704 B /m);
  expect(said.stdout).toMatch(/forewarm\.yaml is valid\.\n$/);
  const json = JSON.parse((await say(['--json', 'config', 'check', ...SAMPLE], folder)).stdout);
  expect(json).toMatchObject({ ok: true, models: [{ name: 'calls', rows: 110, cells: 168, predictions: 18_480 }] });
  expect(existsSync(join(folder, '.forewarm'))).toBe(false);
});

test.each([[[]], [['--help']], [['help']], [['config']], [['help', 'config', 'check']], [['predict', '-h']]])(
  'help %j is an answer',
  async (args) => {
    const said = await say(args, folder);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/^Usage: forewarm/);
    for (const line of said.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  },
);

test.each([
  [['statsu'], "unknown command 'statsu'; did you mean status?", 'See forewarm --help.'],
  [['help', 'statsu'], "unknown command 'statsu'", 'See forewarm --help.'],
  [['config', 'shwo'], "unknown command 'shwo'; did you mean show?", 'See forewarm config --help.'],
  [['status', '--jsn'], "unknown option '--jsn'; did you mean --json?", 'See forewarm status --help.'],
  [['status', 'now'], expect.stringContaining('too many arguments'), 'See forewarm status --help.'],
  [['up', '--folder'], expect.stringContaining('argument missing'), 'See forewarm up --help.'],
])('%j is refused, and says where to look', async (args, message, next) => {
  const said = await say(args, folder);
  expect(onlyError(said)).toEqual({ code: 'FW_USAGE', message, next });
  expect(said.code).toBe(2);
});

test.each([['status'], ['jobs'], ['migrate'], ['start'], ['config', 'show']])(
  'forewarm %s where there is no configuration says what to do',
  async (...args) => {
    const said = await say(args, folder);
    expect(onlyError(said)).toMatchObject({ code: 'FW_CONFIG_MISSING', next: expect.stringContaining('forewarm up') });
    expect(said.code).toBe(2);
    expect(existsSync(join(folder, '.forewarm'))).toBe(false);
  },
);

test.each(['1', undefined])(
  'a pipe gets no colours, in CI (CI=%s) or elsewhere, unless they are asked for',
  async (CI = '') => {
    const args = ['status', '--set', 'redis.cache=redis://127.0.0.1:1', ...SAMPLE];
    expect((await say(args, folder, { CI, FORCE_COLOR: '' })).stderr).toMatch(/^error FW_/);
    expect((await say(args, folder, { CI, FORCE_COLOR: '1' })).stderr).toContain('\u001b[31merror');
    expect((await say(args, folder, { CI, FORCE_COLOR: '1', NO_COLOR: '1' })).stderr).toMatch(/^error FW_/);
  },
);

test.each([[['--help']], [['config', 'show', ...SAMPLE]], [['jobs', '--json', ...SAMPLE]], [['nope']]])(
  'a reader that has gone is no error: %j',
  async (args) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    // As `| true` does: both ends are closed before anything is written.
    child.stdout.destroy();
    if (args[0] === 'nope') child.stderr.destroy();
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const [code] = await once(child, 'close');
    expect(errors.join('')).toBe('');
    expect(code).toBe(args[0] === 'nope' ? 2 : 0);
  },
);

(existsSync('/dev/full') ? test : test.skip)('an answer that cannot be written is an error', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, 'config', 'show', ...SAMPLE], {
    cwd: folder,
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  const errors: string[] = [];
  child.stderr?.on('data', (chunk) => errors.push(String(chunk)));
  const [code] = await once(child, 'close');
  expect(errors.join('')).toMatch(/^error FW_INTERNAL: the answer was not written: ENOSPC/);
  expect(code).toBe(1);
});
