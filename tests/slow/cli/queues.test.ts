import { hostname } from 'node:os';
import { stripVTControlCharacters as strip } from 'node:util';
import { registry } from '#jobs/registry';
import { startRedis } from '../../support/servers/redis';
import { someCategories, TestSystem } from '../../support/system';
import { forEachAway, WAITED } from './away';
import { killHung, onlyError, say } from './command';
import { onTerminal } from './terminal';

/** `forewarm queues` beside a daemon, and where there is none any more. */

jest.setTimeout(60_000);

const categories = someCategories(4);
const [, SLOW = ''] = categories;

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
});
afterEach(async () => {
  await killHung();
  await system.stop();
});

const run = (...args: string[]) => say(['queues', ...args], system.folder);
const document = async (...args: string[]) => {
  const said = await run('--json', ...args);
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  return JSON.parse(said.stdout);
};
const queueNamed = (found: { queues: { name: string }[] }, name: string) =>
  found.queues.find((queue) => queue.name === name);

test('beside a daemon nothing is wrong: depths, schedules, who works, and what is paused', async () => {
  system.configureSmall(categories, { every: '1h' });
  await system.daemon().cycle();
  await say(['pause'], system.folder);
  const said = await run();
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  const host = hostname().replaceAll(/[^!-~]/g, '-');
  for (const { name } of registry.definitions) expect(said.stdout).toMatch(new RegExp(`^${name}( +\\d+){6} +1$`, 'm'));
  expect(said.stdout).toMatch(/^warm-m +1h +in 5\dm \d+s +20[\d-]+ [\d:]+$/m);
  expect(said.stdout).toContain(`\ndaemons  scheduler: ${host}\n         worker: ${host}\nrunning  no cycle\n`);
  expect(said.stdout).toMatch(/\npaused {3}m: since 20[\d-]+ [\d:]+ UTC, \d+s ago\n/);
  expect(said.stdout).toMatch(/\n\nNothing is wrong: each role has a daemon, and no job waits for too long\.\n$/);

  const found = await document();
  expect(found.queues.map(({ name }: { name: string }) => name)).toEqual(registry.definitions.map(({ name }) => name));
  expect(queueNamed(found, 'warm')).toMatchObject({
    role: 'scheduler',
    depths: { waiting: 0, active: 0, delayed: 1, failed: 0 },
    oldest: null,
    workers: [host],
    schedules: [{ id: 'warm-m', everyMs: 3_600_000 }],
  });
  expect(found).toMatchObject({ running: [], paused: [{ model: 'm' }], problems: [] });
});

test('a cycle that runs is named with its batches that are left', async () => {
  const slow = { slow: { iterations: 300_000, when: { input: 'category', equals: SLOW } } };
  system.configureSmall(categories, { every: '1h', batchSize: 1, model: slow });
  const daemon = system.daemon();
  await daemon.computing();
  const { id } = await system.recorded(({ state }) => state === 'running');
  const found = await document();
  expect(found.running).toMatchObject([{ model: 'm', cycle: id, batches: { all: 4 }, lost: false }]);
  expect(found.running[0].batches.left).toBeGreaterThan(0);
  expect(queueNamed(found, 'publish')).toMatchObject({ depths: { waitingChildren: 1 } });
  expect(found.problems).toEqual([]);
  expect(await daemon.cycle()).toMatchObject({ cycle: id });
});

test('without a daemon it says who is missing, what waits for too long, and which cycle is lost', async () => {
  system.configureSmall(categories, { every: '20s' });
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.stop();
  const hourAgo = Date.now() - 3_600_000;
  await system.queue('warm').add('warm', { model: 'm', trigger: 'command' }, { timestamp: hourAgo });
  await system.queue('warm').add('warm', { model: 'm', trigger: 'command' });
  await system.client.set('{forewarm}:running:m', '20261124t000000-ffffff');
  const said = await run();
  expect(said).toMatchObject({ code: 0, stderr: '' });
  const lines = said.stdout.trimEnd().split('\n');
  expect(lines.find((line) => line.startsWith('warm '))).toMatch(/^warm +2 .* 1h +0$/);
  expect(said.stdout).toContain('\ndaemons  scheduler: none\n         worker: none\n');
  expect(lines.slice(lines.indexOf('Something is wrong:'))).toEqual([
    'Something is wrong:',
    '  no daemon with the role scheduler is alive: nobody takes jobs from warm, publish, warm-on-startup, prune-history, ' +
      'backup, restore',
    '  no daemon with the role worker is alive: nobody takes jobs from warm-batch',
    '  the oldest waiting job of warm waits for 1h, longer than the period of m (20s)',
    '  the jobs of cycle 20261124t000000-ffffff are gone: the next cycle of m takes its place',
  ]);
  expect((await document()).problems).toHaveLength(4);
});

test('where no daemon has ever run there is no schedule', async () => {
  system.configureSmall(categories);
  const said = await run();
  expect(said.stdout).toContain('\n\nThere is no schedule: no daemon with the role scheduler has run yet.\n');
  expect(said.stdout).toContain('\n  the schedule warm-m is missing\n');
});

test('a Redis that does not list its clients is no reason to call a daemon dead', async () => {
  system.configureSmall(categories);
  const redis = await startRedis({ args: ['--rename-command', 'CLIENT', '""'] });
  try {
    const found = await document('--set', `redis.queue=${redis.url}`);
    expect(queueNamed(found, 'warm')).toMatchObject({ workers: null });
    expect(found.problems).toEqual([expect.stringContaining('missing'), expect.stringContaining('missing')]);
  } finally {
    await redis.stop();
  }
});

test.each([80, 160])(
  'on a terminal of %d columns no line is longer, and the verdict has its colour',
  async (columns) => {
    system.configureSmall(categories, { every: '1h' });
    await system.daemon().cycle();
    const shown = await onTerminal(['queues'], { cwd: system.folder, columns });
    expect(shown).toContain('\u001b[32mNothing is wrong');
    for (const line of strip(shown).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  },
);

test('with Redis away it says so soon, without its password', async () => {
  system.configureSmall(categories);
  await forEachAway(async (address, away) => {
    const said = await run('--set', `redis.queue=redis://:secret@${address}`);
    expect(onlyError(said)).toMatchObject({
      code: 'FW_REDIS_UNAVAILABLE',
      message: expect.stringMatching(WAITED.redis[away]),
    });
    expect(said.stderr).toContain(`redis://:***@${address}`);
    expect(said.code).toBe(3);
  });
});
