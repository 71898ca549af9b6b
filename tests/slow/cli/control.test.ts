import { stringify } from 'yaml';
import { DaemonProcess } from '../../support/daemon-process';
import { SMALL_AXES, someCategories, TestSystem } from '../../support/system';
import { forEachAway, WAITED } from './away';
import { killHung, NO_COLOURS, onlyError, say } from './command';
import { onTerminal } from './terminal';

/** `warm`, `pause`, `unpause`, `cancel` and `retry`, as a person on another machine than the daemon's uses them. */

jest.setTimeout(60_000);

const categories = someCategories(6);
const [, , BAD = '', , SLOW = ''] = categories;

let system: TestSystem;

afterEach(async () => {
  await killHung();
  await system.stop();
});

/** A daemon, and a folder that has nothing of it but a configuration. */
async function start(model: Record<string, unknown> = {}, settings: Record<string, unknown> = {}) {
  system = await TestSystem.start({ settings: { inference: { processes: 1 }, ...settings } });
  system.configureSmall(categories, { every: '1h', batchSize: 1, model });
  const daemon = system.daemon();
  const servers = { redis: { cache: system.redis.url }, postgres: { url: system.postgresUrl } };
  const far = { file: 'is not read.onnx', axes: SMALL_AXES, categories };
  const elsewhere = `${system.folder}/elsewhere`;
  system.write('elsewhere/forewarm.yaml', stringify({ ...servers, models: { m: far } }));
  return { daemon, run: (...args: string[]) => say(args, elsewhere), elsewhere };
}

const slow = (iterations: number) => ({ slow: { iterations, when: { input: 'category', equals: SLOW } } });

test('warm asks for a cycle and does not wait', async () => {
  const { daemon, run } = await start();
  await daemon.cycle();
  const said = await run('warm');
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toMatch(/^A cycle of m is asked for \(job \d+\)/);
  const asked = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'command');
  expect(asked).toMatchObject({ computed: 6 });
});

test('warm --wait tells what the cycle came to, as text and as JSON', async () => {
  const { daemon, run } = await start();
  await daemon.cycle();
  const text = await run('warm', '--wait', '--category', BAD, SLOW);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(/^complete m: 2 rows \(2 computed\) in \d+\.\d\d s, cycle \d{8}t\d{6}-\w{6}\n$/);
  const json = await run('warm', '--wait', '--json', '--force', '--model', 'm');
  expect(json).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(json.stdout)).toMatchObject({ model: 'm', state: 'complete', rows: 6, computed: 6, reason: null });
});

test('warm --wait shows its progress on a terminal', async () => {
  const { daemon, elsewhere } = await start(slow(300_000));
  await daemon.cycle();
  const seen = await onTerminal(['warm', '--wait'], { cwd: elsewhere });
  expect(seen).toMatch(/m {2}[█░]{30} {2}[1-5]\/6 rows/);
  expect(seen).toMatch(/m {2}█{30} {2}6\/6 rows {2}[\d,]+ rows\/s {2}done/);
  expect(seen).toMatch(/complete.* m: 6 rows \(6 computed\)/);
});

test('warm --wait that is interrupted leaves the cycle running, and says so', async () => {
  const { daemon, elsewhere } = await start(slow(300_000));
  await daemon.cycle();
  const waiting = new DaemonProcess(['warm', '--wait'], { cwd: elsewhere, env: NO_COLOURS });
  const { id } = await system.recorded(({ state, trigger }) => state === 'running' && trigger === 'command');
  await daemon.computing();
  expect(await waiting.stop('SIGINT')).toEqual({ code: 130, signal: null });
  expect(waiting.stderr).toBe('');
  expect(waiting.stdout).toContain(`Cycle ${id} of m goes on: \`forewarm cycles show ${id}\``);
  expect(await daemon.logged(({ message, cycle }) => message === 'cycle complete' && cycle === id)).toBeDefined();
});

test('without a daemon warm says that the request waits, and a daemon that comes does it', async () => {
  const { daemon, run } = await start();
  await daemon.cycle();
  await daemon.stop();
  const said = await run('warm');
  expect(said.code).toBe(0);
  expect(said.stdout).toContain('No daemon with the role scheduler is running');
  const next = system.daemon();
  expect(await next.cycle()).toMatchObject({ trigger: 'command', computed: 6 });
});

test('a cycle that is not complete ends warm --wait with exit code 1 and the reason', async () => {
  const { daemon, run } = await start({ poison: { input: 'category', equals: BAD } });
  await daemon.cycle('degraded');
  const said = await run('warm', '--wait');
  expect(said).toMatchObject({ code: 1, stderr: '' });
  expect(said.stdout).toMatch(
    /^degraded m: 6 rows \(5 computed, 1 failed\)[^\n]*\n {2}1 row failed: .*prediction at day=0 hour=0 is NaN/,
  );
});

test('a misspelt category is refused with the nearest one, before anything is queued', async () => {
  const { daemon, run } = await start();
  await daemon.cycle();
  const said = await run('warm', '--category', 'categry 00001');
  expect(onlyError(said)).toMatchObject({ code: 'FW_CATEGORY_UNKNOWN', next: 'Did you mean "category 00001"?' });
  expect(said.code).toBe(4);
  expect(await system.queue('warm').getJobCountByTypes('wait', 'active', 'completed')).toBe(0);
});

test('pause and unpause say what they changed, and status shows it', async () => {
  const { daemon, run } = await start();
  await daemon.cycle();
  expect((await run('pause')).stdout).toMatch(/^m is paused: no scheduled cycle begins/);
  expect((await run('pause')).stdout).toMatch(/^m is paused already, since 20.*Z\.\n$/);
  expect((await run('status')).stdout).toMatch(/^ {2}paused {7}since 20[\d-]+ [\d:]+ UTC$/m);
  expect(JSON.parse((await run('unpause', '--json')).stdout)).toEqual({ model: 'm', paused: null, changed: true });
  expect((await run('unpause')).stdout).toBe('m was not paused.\n');
});

test('cancel ends a running cycle, and refuses one that does not run', async () => {
  const { daemon, run } = await start(slow(300_000));
  await daemon.cycle();
  await run('warm');
  const { id } = await system.recorded(({ state, trigger }) => state === 'running' && trigger === 'command');
  const said = await run('cancel', id);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toMatch(new RegExp(`^Cycle ${id} of m is (cancelled|being cancelled)`));
  expect(await daemon.cycle('cancelled')).toMatchObject({ cycle: id });
  const again = await run('cancel', id);
  expect(onlyError(again)).toMatchObject({
    code: 'FW_CYCLE_NOT_RUNNING',
    message: expect.stringContaining('no cycle runs'),
  });
  expect(again.code).toBe(5);
});

test('retry computes the rows of a cycle that failed, and refuses a cycle without any', async () => {
  const { daemon, run } = await start({ poison: { input: 'category', equals: BAD } });
  const { cycle } = await daemon.cycle('degraded');
  // Its last word to the history may come after the line.
  await system.recorded(({ id, state }) => id === cycle && state === 'degraded');
  const said = await run('retry', String(cycle), '--wait', '--json');
  expect(said.code).toBe(1);
  expect(JSON.parse(said.stdout)).toMatchObject({ state: 'failed', rows: 1, failed: 1 });
  const { id } = await system.recorded(({ trigger }) => trigger === 'retry');
  expect((await system.history()).filter((one) => one.id === id)).toMatchObject([{ expected: 1 }]);

  await run('warm', '--category', SLOW, '--wait');
  const good = await system.recorded(({ trigger, state }) => trigger === 'command' && state === 'complete');
  expect(onlyError(await run('retry', good.id)).code).toBe('FW_NOTHING_TO_RETRY');
  expect(onlyError(await run('retry', 'nothing'))).toMatchObject({ code: 'FW_CYCLE_UNKNOWN' });
});

test('each of them says soon that Redis is away, without its password', async () => {
  const { daemon, run } = await start({ poison: { input: 'category', equals: BAD } });
  const { cycle } = await daemon.cycle('degraded');
  await system.recorded(({ id, state }) => id === cycle && state === 'degraded');
  const commands = [['warm'], ['warm', '--wait'], ['pause'], ['unpause'], ['cancel', 'x'], ['retry', String(cycle)]];
  await forEachAway(async (address, away) => {
    // All at once: each of them waits for the one that is silent.
    await Promise.all(
      commands.map(async (command) => {
        const said = await run(...command, '--set', `redis.queue=redis://:secret@${address}`);
        expect(onlyError(said)).toMatchObject({
          code: 'FW_REDIS_UNAVAILABLE',
          message: expect.stringMatching(WAITED.redis[away]),
        });
        expect(said.stderr).toContain(`redis://:***@${address}`);
        expect(said.code).toBe(3);
      }),
    );
  });
});
