import { cancelCycle } from '#jobs/cycle/cancel-cycle';
import { PausedModels } from '#jobs/cycle/paused-models';
import { retryOf } from '#jobs/cycle/retry-cycle';
import { RunningCycles } from '#jobs/cycle/running-cycles';
import { Enqueuer } from '#jobs/enqueue';
import { requestWarm, type WarmRequest } from '#jobs/on-demand';
import { registry } from '#jobs/registry';
import { HistoryStore } from '#shared/store/history-store';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** What people do to the loop: warm on demand, pause, cancel, retry. */

jest.setTimeout(90_000);

const categories = someCategories(8);
const [, , , , SLOW = '', BAD = ''] = categories;
const slow = (iterations: number) => ({ slow: { iterations, when: { input: 'category', equals: SLOW } } });
const one = { inference: { processes: 1 } };

let system: TestSystem;
let enqueue: Enqueuer;
let cycles: RunningCycles;

beforeEach(async () => {
  system = await TestSystem.start({ redis: { appendOnly: true } });
  enqueue = new Enqueuer(registry.definitions, system.client, 'forewarm', () => undefined);
  cycles = new RunningCycles(system.client, 'forewarm');
});
afterEach(async () => {
  await enqueue.close();
  await system.stop();
});

const ask = (request: Omit<WarmRequest, 'model'> = {}) =>
  requestWarm(enqueue, { categories }, { model: 'm', ...request }, 'command');

test('a warm on demand is a cycle like any other, with its trigger', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await ask();
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'command', computed: 8, live });
});

test('only the categories that were asked for are computed, in the order of the model', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const before = await system.rows(generation, categories);
  await ask({ categories: [BAD, SLOW, BAD] });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ rows: 2, computed: 2 });
  const after = await system.rows(generation, categories);
  const changed = categories.filter(
    (category) => !after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0)),
  );
  expect(changed).toEqual([SLOW, BAD]);
});

test('a category that the model does not have is refused before anything is added, and by the job as well', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  await daemon.cycle();
  await expect(ask({ categories: ['nobody'] })).rejects.toMatchObject({ code: 'FW_CATEGORY_UNKNOWN' });
  await enqueue.add('warm', { model: 'm', trigger: 'dashboard', categories: ['nobody'] });
  const failed = await daemon.logged(({ message }) => message === 'job failed for good');
  expect(failed).toMatchObject({
    job: 'warm',
    code: 'FW_CATEGORY_UNKNOWN',
    error: expect.stringContaining('"nobody"'),
  });
});

test('the same request is added once while it waits; another one is another cycle', async () => {
  system.configureSmall(categories, { every: '1h' });
  const ids = [await ask(), await ask(), await ask({ force: true }), await ask({ categories: [BAD] })];
  expect(ids[1]).toBe(ids[0]);
  expect(new Set(ids).size).toBe(3);
  system.daemon();
  await eventually('three cycles on demand', async () => {
    const ended = (await system.history().catch(() => [])).filter(({ state }) => state === 'complete');
    return ended.filter(({ trigger }) => trigger === 'command').length === 3;
  });
});

test('a request during a running cycle waits for its end, and is not lost', async () => {
  system.configureSmall(categories, { model: slow(60_000), every: '1h', batchSize: 4, settings: one });
  const daemon = system.daemon();
  const running = await system.recorded(({ state }) => state === 'running');
  const id = await ask({ categories: [BAD] });
  await eventually('the request to wait', async () => (await enqueue.queue('warm').getJobState(id)) === 'delayed');
  expect(await ask({ categories: [BAD] })).toBe(id);
  const first = await daemon.cycle();
  expect(first.cycle).toBe(running.id);
  const second = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'command');
  expect(second).toMatchObject({ rows: 1, computed: 1 });
});

test('force computes rows that could be restored', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await system.client.del(system.cache().keys.live);
  await ask({ force: true });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 8, live });
});

test('a paused model has no scheduled cycles but those on demand, also after a restart of daemon and Redis', async () => {
  system.configureSmall(categories, { every: '1s' });
  const first = system.daemon();
  await first.cycle();
  const paused = new PausedModels(system.client, 'forewarm');
  expect(await paused.pause('m', new Date())).toBe(true);
  await first.stop();
  await system.redis.down();
  await system.redis.start();
  const second = system.daemon();
  await second.logged(({ message }) => message === 'forewarm is running');
  const told = second.lines.filter(({ message }) => message === 'the model is paused: no scheduled cycle begins');
  expect(told).toMatchObject([{ level: 'warn', model: 'm', next: expect.stringContaining('unpause --model m') }]);
  const ticks = () => system.queue('warm').getCompleted();
  await eventually('three ticks that were passed over', async () => {
    const passed = (await ticks()).filter(({ returnvalue }) => returnvalue?.skipped === 'paused');
    return passed.length >= 3;
  });
  const since = new Date();
  await ask();
  expect(await second.cycle()).toMatchObject({ trigger: 'command', computed: 8 });
  expect(
    (await system.history()).filter(({ startedAt, trigger }) => startedAt >= since && trigger === 'schedule'),
  ).toEqual([]);
  expect(await new PausedModels(system.client, 'forewarm').unpause('m')).toBe(true);
  await second.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule');
});

test('a cycle that is cancelled ends soon, and the old rows stay served', async () => {
  system.configureSmall(categories, { every: '1h', batchSize: 1, settings: one });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  const metadata = await system.cache().metadata();
  const before = await system.rows(String(live), categories);
  // A new model, so slow that there is time.
  system.write('m.onnx', smallModel(categories, { ...slow(200_000), bias: 1 }));
  await ask();
  const { id } = await system.recorded(({ state }) => state === 'running');
  await daemon.computing();
  expect(await cancelCycle(cycles, ['m'], id)).toBe('m');
  const cancelled = await daemon.cycle('cancelled');
  expect(cancelled).toMatchObject({ cycle: id, live });
  expect(cancelled.reason).toMatch(/^cancelled: [1-7] of 8 batches \([1-7] rows\) were not begun$/);
  expect(await system.rows(String(live), categories)).toEqual(before);
  expect(await system.cache().metadata()).toEqual(metadata);
  expect((await system.recorded((cycle) => cycle.id === id)).state).toBe('cancelled');
  await expect(cancelCycle(cycles, ['m'], id)).rejects.toMatchObject({ code: 'FW_CYCLE_NOT_RUNNING' });
});

test('a retry computes the rows that failed, and only those', async () => {
  system.configureSmall(categories, {
    model: { poison: { input: 'category', equals: BAD }, ...slow(1e9) },
    ...{ every: '1h', batchSize: 1 },
    settings: { inference: { processes: 2, timeLimit: '2s' } },
  });
  const daemon = system.daemon();
  const cycle = await daemon.cycle('degraded');
  const history = new HistoryStore(system.pool);
  const retry = await retryOf(history, String(cycle.cycle));
  // The one with its batch, the other alone.
  expect(retry).toEqual({ model: 'm', categories: [SLOW, BAD] });

  system.write('m.onnx', smallModel(categories));
  await requestWarm(enqueue, { categories }, retry, 'retry');
  const retried = await daemon.logged(({ message, trigger }) => message.startsWith('cycle ') && trigger === 'retry');
  expect(retried).toMatchObject({ rows: 2, computed: 2 });
  await expect(retryOf(history, String(retried.cycle))).rejects.toMatchObject({ code: 'FW_NOTHING_TO_RETRY' });
  await expect(retryOf(history, 'nothing')).rejects.toMatchObject({ code: 'FW_CYCLE_UNKNOWN' });
});
