import { type DaemonProcess, isAlive } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** How a daemon ends: soon, with exit code 0, and without leaving work or processes behind. */

jest.setTimeout(90_000);

const categories = someCategories(6);
const slow = (iterations: number) => ({
  slow: { iterations, when: { input: 'category', equals: categories[4] ?? '' } },
});
const settings = (grace: string) => ({ shutdown: { grace }, inference: { processes: 1 } });

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('work that ends within the grace is finished, and a restart completes the cycle', async () => {
  system.configureSmall(categories, { model: slow(60_000), every: '1h', batchSize: 5, settings: settings('30s') });
  const first = system.daemon();
  const { id } = await system.recorded(({ state }) => state === 'running');
  const children = [await first.computing()];
  expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  await expectGone(children);
  // The batch that ran is done: its rows are there.
  const generation = (await system.recorded((cycle) => cycle.id === id)).generation ?? '';
  expect((await system.rows(generation, categories)).size).toBe(5);

  const second = system.daemon();
  const ended = await system.recorded((cycle) => cycle.id === id && cycle.finishedAt !== null);
  expect(ended).toMatchObject({ state: 'complete', computed: 6, failed: 0 });
  expect(await system.cache().missing(generation, categories)).toEqual([]);
  expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
});

test('work that takes longer than the grace is handed back, and a second daemon takes it up', async () => {
  const hung = { model: slow(1e9), every: '1h', settings: settings('1s') };
  system.configureSmall(categories, hung);
  const first = system.daemon();
  const { id } = await system.recorded(({ state }) => state === 'running');
  const children = [await first.computing()];
  const asked = performance.now();
  expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  // The grace, the handing back and the end of the processes, each with its bound; not the time that the run would take.
  expect(performance.now() - asked).toBeLessThan(10_000);
  await expectGone(children);
  const batches = system.queue('warm-batch');
  expect(await batches.getJobCounts('wait', 'active', 'delayed', 'failed')).toEqual({
    ...{ wait: 1, active: 0, delayed: 0, failed: 0 },
  });

  const { rows } = await system.pool.query('SELECT id, state FROM forewarm.cycle');
  expect(rows).toEqual([{ id, state: 'running' }]);
  const second = system.daemon();
  await eventually('the batch at work', async () => (await batches.getActiveCount()) === 1);
  await endAtOnce(second);
});

test('a second signal ends the daemon at once', async () => {
  system.configureSmall(categories, { model: slow(1e9), every: '1h', settings: settings('10m') });
  const daemon = system.daemon();
  await system.recorded(({ state }) => state === 'running');
  const children = [await daemon.computing()];
  await endAtOnce(daemon);
  await expectGone(children);
});

test('a daemon that is killed takes its processes with it, also one that hangs', async () => {
  system.configureSmall(categories, { model: slow(1e9), every: '1h', settings: settings('10m') });
  const daemon = system.daemon();
  await system.recorded(({ state }) => state === 'running');
  const children = [await daemon.computing()];
  await daemon.stop('SIGKILL');
  await expectGone(children);
});

test('a signal during the start, while Redis is away, ends the daemon in good order', async () => {
  system.configureSmall(categories, { settings: settings('1s') });
  await system.redis.down();
  const daemon = system.daemon();
  await daemon.logged(({ message }) => message.startsWith('waiting for Redis'));
  expect(await daemon.stop('SIGINT')).toEqual({ code: 0, signal: null });
});

test('a signal while Redis is away ends a running daemon in good order', async () => {
  system.configureSmall(categories, { every: '1s', settings: settings('1s') });
  const daemon = system.daemon();
  await daemon.cycle();
  const children = await daemon.children();
  await system.redis.kill();
  await daemon.logged(({ error }) => String(error).includes('ECONNREFUSED'));
  expect(await daemon.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  await expectGone(children);
});

async function endAtOnce(daemon: DaemonProcess): Promise<void> {
  daemon.signal('SIGTERM');
  await daemon.logged(({ message }) => message === 'stopping');
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toEqual({ code: 130, signal: null });
}

async function expectGone(pids: readonly number[]): Promise<void> {
  expect(pids.length).toBeGreaterThan(0);
  await eventually('the end of the inference processes', async () => {
    const alive = await Promise.all(pids.map(isAlive));
    return !alive.includes(true);
  });
}
