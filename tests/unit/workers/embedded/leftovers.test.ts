import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopLeftovers } from '#workers/embedded/leftovers';
import { identify, isRunning } from '#workers/embedded/process-identity';
import { writeRecord } from '#workers/embedded/server-record';

let folder: string;
let run: string;
let stranger: ChildProcess;
const found: string[] = [];
const log = (message: string) => found.push(message);

/** A process that stands for any other program; it works in the directory given. */
async function startStranger(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], {
    cwd: directory,
    detached: true,
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return child;
}

beforeEach(() => {
  found.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'forewarm-left-'));
  run = join(folder, 'run');
  mkdirSync(run);
});

afterEach(async () => {
  if (stranger.exitCode === null && stranger.signalCode === null) {
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

test('never touches a process that only has the pid of a record', async () => {
  stranger = await startStranger(folder);
  const { pid = 0 } = stranger;
  writeRecord(join(run, 'redis.json'), { name: 'redis', pid, began: 'before', directory: folder });
  await stopLeftovers(run, log);
  expect(identify(pid)).toBeDefined();
  expect(found).toEqual([]);
  expect(readdirSync(run)).toEqual([]);
});

test('never touches a process that does not work on the data of the folder', async () => {
  stranger = await startStranger(tmpdir());
  const identity = identify(stranger.pid ?? 0);
  if (identity === undefined) throw new Error('the process is gone');
  writeRecord(join(run, 'postgres.json'), { ...identity, name: 'postgres', directory: join(folder, 'data') });
  await stopLeftovers(run, log);
  expect(isRunning(identity)).toBe(true);
  expect(found).toEqual([]);
});

test('stops what fits in every respect', async () => {
  stranger = await startStranger(folder);
  const identity = identify(stranger.pid ?? 0);
  if (identity === undefined) throw new Error('the process is gone');
  writeRecord(join(run, 'redis.json'), { ...identity, name: 'redis', directory: folder });
  await stopLeftovers(run, log);
  expect(isRunning(identity)).toBe(false);
  expect(found).toHaveLength(1);
  expect(readdirSync(run)).toEqual([]);
});

test('throws away records that were cut short or that nobody wrote', async () => {
  stranger = await startStranger(folder);
  writeFileSync(join(run, 'redis.json'), '{"pid": 1');
  writeFileSync(join(run, 'init.json'), JSON.stringify({ ...identify(1), name: 'init', directory: '/' }));
  await stopLeftovers(run, log);
  expect(readdirSync(run)).toEqual([]);
  expect(found).toEqual([]);
});

test('a folder without records is none of its business', async () => {
  stranger = await startStranger(folder);
  await stopLeftovers(join(folder, 'nowhere'), log);
});
