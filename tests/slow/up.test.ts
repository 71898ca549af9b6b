import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '#workers/embedded/process-identity';
import { readRecord } from '#workers/embedded/server-record';
import { DaemonProcess, type Ended } from '../support/daemon-process';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';
import { eventually } from '../support/system';
import { killHung, NO_COLOURS, onlyError, say } from './cli/command';
import { processesIn } from './cli/processes';

/** `forewarm up` as a person runs it: from a folder, with Ctrl-C, and after accidents. */

// Each start makes a database: about 2 s on a quiet machine.
jest.setTimeout(120_000);

const ROOT = join(__dirname, '..', '..');
const SAMPLE = readFileSync(join(ROOT, 'forewarm.yaml'), 'utf8').replaceAll('samples/', `${ROOT}/samples/`);
const QUESTION = ['--category', 'EMS: CARDIAC EMERGENCY', 'day=3', 'hour=14'];

let folder: string;
const started: DaemonProcess[] = [];

beforeEach(() => {
  folder = makeTempFolder('up');
});

afterEach(async () => {
  for (const one of started.splice(0)) await one.stop('SIGTERM');
  await killHung();
  // Servers that outlived a killed `up`: the next start stops them, and so do we.
  if (processesIn(folder).length > 0) await say(['up', '--check'], folder);
  removeFolders(folder);
});

describe('up --check', () => {
  test('tells the figures, leaves nothing running, and finds its data again', async () => {
    writeFileSync(join(folder, 'forewarm.yaml'), SAMPLE);
    const first = await say(['up', '--check'], folder);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^expected_calls {2}[\d.]+\n {2}calls \| .+ \| day=3 hour=12\n {2}from redis, .*\(fresh\)\n/,
    );
    expect(first.stdout).toMatch(
      /\nok calls: 110 rows, 18,480 predictions in a cycle of [\d.]+ s; looked up in [\d.]+ ms; /,
    );
    expect(processesIn(folder)).toEqual([]);
    expect(readdirSync(join(folder, '.forewarm')).sort()).toEqual(['logs', 'postgres', 'redis', 'run']);

    const second = await say(['up', '--check', '--json'], folder);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    const [figures, ...more] = documents(second.stdout);
    expect(more).toEqual([]);
    expect(figures).toMatchObject({ ok: true, model: 'calls', rows: 110, predictions: 18_480 });
    expect(processesIn(folder)).toEqual([]);
    // The schema, the published generation and the schedules are those of the first time.
    const said = second.log.map(({ message }) => message);
    expect(said).toContain('cycle complete');
    expect(said).not.toContain('database schema migrated');
    expect(said).not.toContain('generation published');

    const third = up();
    await third.printed('A first prediction');
    const { models } = JSON.parse((await say(['status', '--json', '--cycles', '50'], folder)).stdout);
    const ids = models[0].cycles.map(({ id }: { id: string }) => id);
    for (const { log } of [first, second])
      expect(ids).toContain(log.find(({ message }) => message === 'cycle complete')?.cycle);
  });

  test('takes another configuration and another folder', async () => {
    const file = join(folder, 'other.yaml');
    writeFileSync(file, SAMPLE.replaceAll('calls:', 'other:'));
    const said = await say(['up', '--check', '--config', file, '--folder', 'data'], folder);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toContain('ok other: 110 rows');
    expect(readdirSync(folder).sort()).toEqual(['data', 'other.yaml']);
  });
});

test('a folder that cannot be used is a mistake in the command, and is named', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  // Linux makes no folders in /proc, and says of one that it does not exist.
  const nowhere = existsSync('/proc/self') ? ['/proc/forewarm', '/proc/forewarm/below'] : [];
  for (const place of [file, join(file, 'below'), ...nowhere]) {
    const said = await say(['up', '--check', '--folder', place], folder);
    const message = expect.stringContaining(`the folder ${place} cannot be used: `);
    expect(onlyError(said)).toMatchObject({ code: 'FW_USAGE', message, next: expect.stringContaining('--folder') });
    expect(said.code).toBe(2);
  }
  // One with something else in it is left as it is.
  const before = statSync(folder).mode;
  const said = await say(['up', '--check', '--folder', '.'], folder);
  expect(onlyError(said)).toMatchObject({
    code: 'FW_USAGE',
    message: expect.stringMatching(/cannot be used: it holds other things, such as file$/),
    next: expect.stringContaining('a new or an empty one'),
  });
  expect(statSync(folder).mode).toBe(before);
  expect(readdirSync(folder)).toEqual(['file']);
  writeFileSync(join(folder, 'forewarm.yaml'), SAMPLE);
  expect(await say(['jobs', '--folder', file], folder)).toMatchObject({ code: 0, stderr: '' });
});

describe('up', () => {
  test('without a configuration runs the sample, is found by other commands, and ends on Ctrl-C', async () => {
    const running = up();
    await running.printed('A first prediction');
    expect(running.stdout).toContain(`\n  configuration    ${join(ROOT, 'forewarm.yaml')}\n`);
    expect(running.stdout).toContain(`\n  data and logs    ${folder}/.forewarm\n`);
    expect(running.stdout).not.toMatch(/:\/\/[^\s:]*:(?!\*\*\*@)[^\s/]+@/);
    const url = await running.url();
    expect(running.stdout).toContain(`\n  predictions      ${url}/docs\n  queues           ${url}/queues\n`);
    for (const path of ['/queues', '/healthz']) expect((await fetch(url + path)).status).toBe(200);
    // The command that it shows is one that works.
    expect(running.stdout).toContain('`forewarm predict --model calls --category ');
    const predicted = await say(['predict', '--model', 'calls', ...QUESTION], folder);
    expect(predicted).toMatchObject({ code: 0, stderr: '' });
    expect(predicted.stdout).toContain('from redis');
    expect((await say(['status'], folder)).stdout).toMatch(/^calls {2}fresh[\s\S]* {2}rows {9}110 of 110 \(100 %\)/);
    expect((await say(['migrate'], folder)).stdout).toBe('The schema is up to date.\n');
    for (const args of [['config', 'check'], ['config', 'show'], ['jobs']]) {
      const answered = await say(args, folder);
      expect(answered).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('calls') });
      expect(answered.stdout).not.toMatch(/:\/\/[^\s:]*:(?!\*\*\*@)[^\s/]+@/);
    }

    expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(running.stderr).toBe('');
    expect(processesIn(folder)).toEqual([]);
    expect((await say(['predict', ...QUESTION], folder)).code).toBe(2);
  });

  test('refuses a second one on the folder, and the first goes on', async () => {
    const running = up();
    await running.printed('A first prediction');
    const refused = await say(['up', '--set', 'http.port=0'], folder);
    const next = expect.stringContaining(`kill ${running.pid}`);
    expect(onlyError(refused)).toMatchObject({ code: 'FW_ALREADY_RUNNING', next });
    expect(refused.code).toBe(5);
    await running.cycle('complete', running.lines.length);
    // Other commands still find it.
    expect((await say(['predict', ...QUESTION], folder)).code).toBe(0);
    expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(processesIn(folder)).toEqual([]);
  });

  test('shows the options with which other commands find it', async () => {
    copyFileSync(join(ROOT, 'forewarm.yaml'), join(folder, 'unused.yaml'));
    writeFileSync(join(folder, 'here.yaml'), SAMPLE);
    const running = up('--config', 'here.yaml', '--folder', 'data');
    const options = 'forewarm predict --config "here.yaml" --folder "data" --model calls';
    await running.printed(options);
    const found = ['--config', 'here.yaml', '--folder', 'data'];
    expect((await say(['predict', ...found, ...QUESTION], folder)).code).toBe(0);
    expect((await say(['status', ...found], folder)).code).toBe(0);
  });

  test.each(['initdb', 'postgres'])('Ctrl-C while %s starts stops everything', async (server) => {
    const running = up();
    await eventually(`a record of ${server}`, () => recordOf('postgres')?.name === server);
    expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(running.stderr).toBe('');
    expect(processesIn(folder)).toEqual([]);
  });

  test('killed without warning, leaves servers that the next one replaces', async () => {
    const killed = up();
    await killed.printed('A first prediction');
    const left = ['redis', 'postgres'].map((server) => recordOf(server));
    await killed.stop('SIGKILL');
    expect(left.every((record) => record !== undefined && isRunning(record))).toBe(true);
    // Nobody runs there any more: its servers are not offered to others.
    expect((await say(['predict', ...QUESTION], folder)).code).toBe(2);

    const next = up();
    await next.printed('A first prediction');
    expect(left.some((record) => record !== undefined && isRunning(record))).toBe(false);
    expect((await say(['predict', ...QUESTION], folder)).code).toBe(0);
    expect(await next.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(processesIn(folder)).toEqual([]);
  });

  test.each(['redis', 'postgres'])('whose %s dies says so once, and stops everything', async (server) => {
    const running = up();
    await running.printed('A first prediction');
    const record = recordOf(server);
    if (record === undefined) throw new Error(`there is no record of ${server}`);
    process.kill(record.pid, 'SIGKILL');
    expect(await running.logged(({ message }) => message.endsWith('ended by itself: stopping'))).toMatchObject({
      server,
    });
    expect(await endOf(running)).toEqual({ code: 1, signal: null });
    expect(running.stderr.match(/^error FW_\w+/gm)).toEqual(['error FW_EMBEDDED_FAILED']);
    expect(running.stderr).not.toMatch(/^\s+at /m);
    expect(processesIn(folder)).toEqual([]);
    expect(existsSync(join(folder, '.forewarm', 'services.json'))).toBe(false);
    // The next one works on the same data, and gives back the shared memory of the killed PostgreSQL.
    expect(await say(['up', '--check'], folder)).toMatchObject({ code: 0, stderr: '' });
  });

  test('goes on when nobody reads what it prints', async () => {
    const main = join(ROOT, 'dist', 'workers', 'main.js');
    const running = spawn(process.execPath, [main, 'up', '--set', 'http.port=0', '--json'], { cwd: folder });
    // As `| head` does when it has seen enough.
    running.stdout.destroy();
    running.stderr.destroy();
    const ended = once(running, 'exit');
    await eventually('a prediction', async () => (await say(['predict', ...QUESTION], folder)).code === 0);
    running.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(processesIn(folder)).toEqual([]);
  });
});

function up(...options: string[]): DaemonProcess {
  const one = new DaemonProcess(['up', '--set', 'http.port=0', ...options], { cwd: folder, env: NO_COLOURS });
  started.push(one);
  return one;
}

/** The end of a process that is to end by itself; fails with its log when it does not. */
async function endOf(running: DaemonProcess): Promise<Ended> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it goes on:\n${JSON.stringify(running.lines.slice(-20), null, 1)}`)),
      60_000,
    );
  });
  try {
    return await Promise.race([running.ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

function recordOf(server: string) {
  return readRecord(join(folder, '.forewarm', 'run', `${server}.json`));
}

function documents(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
