import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../slow/cli/command';
import { quickAlerts, STARTING } from '../support/alerts';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';
import { WebhookReceiver } from '../support/webhook-receiver';

/** What can go wrong with cycles and with what they bring, each thing provoked, told once and seen to be over. */

jest.setTimeout(120_000);

const categories = someCategories(6);
const BAD = categories[3] ?? '';
const poison = { poison: { input: 'category', equals: BAD } };

let receiver: WebhookReceiver;
let system: TestSystem;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  system = await TestSystem.start();
});
afterEach(async () => {
  await system.stop();
  await receiver.stop();
});

const run = (...args: string[]) => say(args, system.folder);
const told = (condition: string, event: string, model: string | null = 'm') =>
  eventually(`that ${condition} is ${event}`, () =>
    receiver.notices.find(
      (notice) => notice.condition === condition && notice.event === event && notice.model === model,
    ),
  );

/** What has been told in all, and nothing beside it. */
function expectOnly(...events: readonly string[]): void {
  const all = receiver.notices.map(({ event, condition, model }) => `${event} ${condition}${model ? ` ${model}` : ''}`);
  expect([...all].sort()).toEqual([...events].sort());
}

test('a model that gives NaN for a category: cycles-failing says so, once, and that it is mended', async () => {
  system.configureSmall(categories, { every: '1s', settings: quickAlerts(receiver, { off: STARTING }) });
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.stop();
  system.write('m.onnx', smallModel(categories, poison));
  // The first generation of a deployment is published with what it has.
  await system.client.flushall();
  await system.pool.query('DROP SCHEMA forewarm CASCADE');
  system.daemon();
  const fired = await told('cycles-failing', 'fired');
  expect(fired.message).toMatch(
    /^the last 3 cycles of m failed or were degraded, the newest because: 1 row failed: category 00003: prediction at .* is NaN$/,
  );
  expect(fired.facts).toMatchObject({ bound: 3, state: 'degraded' });
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  await told('cycles-failing', 'resolved');
  expect(receiver.events('cycles-failing')).toEqual(['fired', 'resolved']);
});

test('rows that are missing: coverage-low has the figures and the bound', async () => {
  const alerts = quickAlerts(receiver, { off: STARTING, failedCycles: 100 });
  system.configureSmall(categories, { every: '1s', model: poison, settings: alerts });
  system.daemon();
  const fired = await told('coverage-low', 'fired');
  expect(fired).toMatchObject({
    severity: 'warning',
    message: 'the cache has 5 of 6 rows of m (83.3 %), less than 99 %',
    facts: { rows: 5, expected: 6, bound: 0.99 },
  });
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  await told('coverage-low', 'resolved');
  expectOnly('fired coverage-low m', 'resolved coverage-low m');
});

test('a model that is paused grows stale, and is fresh when it goes on; one that is broken is left alone, and mended', async () => {
  system.configureSmall(categories, {
    every: '1s',
    staleAfter: '2s',
    settings: quickAlerts(receiver, { off: STARTING }),
  });
  const daemon = system.daemon();
  await daemon.cycle();
  await run('pause');
  const fired = await told('stale', 'fired');
  expect(fired.message).toMatch(/^m was last wholly up to date \ds ago, more than 2s; it is paused$/);
  await run('unpause');
  await told('stale', 'resolved');
  expectOnly('fired stale m', 'resolved stale m');
  rmSync(join(system.folder, 'm.onnx'));
  await told('model-broken', 'fired');
  system.write('m.onnx', smallModel(categories));
  await told('model-broken', 'resolved');
  expect(receiver.events('model-broken')).toEqual(['fired', 'resolved']);
});

test('a scheduler without a worker, a worker without a scheduler: who is missing is told, and what follows from it is not', async () => {
  system.configureSmall(categories, {
    every: '1s',
    staleAfter: '3s',
    settings: quickAlerts(receiver, { resolveAfter: '5s' }),
  });
  const worker = system.daemon(['start', '--roles', 'worker']);
  const [dead, empty] = await Promise.all([told('schedule-dead', 'fired'), told('cache-empty', 'fired')]);
  expect(dead.message).toMatch(/^the queue has no schedule of m: no cycle is planned/);
  expect(empty.message).toMatch(/^nothing of m is published in the cache/);
  const scheduler = system.daemon(['start', '--roles', 'scheduler']);
  await Promise.all([told('schedule-dead', 'resolved'), told('cache-empty', 'resolved')]);
  await worker.stop();
  const none = await told('no-worker', 'fired', null);
  expect(none).toMatchObject({ severity: 'critical', model: null, facts: { workers: 0 } });
  // Stale by now, for the reason that was told.
  await eventually('predictions to be stale', async () => {
    const metadata = await system.cache().metadata();
    return metadata !== undefined && Date.now() - Date.parse(metadata.last_updated) > 6_000;
  });
  system.daemon(['start', '--roles', 'worker']);
  await scheduler.cycle('complete', scheduler.mark);
  await told('no-worker', 'resolved', null);
  await scheduler.stop();
  // Its ticks wait for somebody with that role.
  const late = await eventually('that nobody plans', () => {
    const events = receiver.notices.filter(({ condition }) => condition === 'schedule-dead');
    return events.length === 3 && events[2];
  });
  expect(late.message).toMatch(/^no daemon with the role scheduler is connected to the queue: ticks of m wait/);
  expectOnly(
    ...['fired schedule-dead m', 'fired cache-empty m', 'resolved schedule-dead m', 'resolved cache-empty m'],
    ...['fired no-worker', 'resolved no-worker', 'fired schedule-dead m'],
  );
});

test('a cycle that takes longer than it may', async () => {
  const slow = { slow: { iterations: 250_000, when: { input: 'category', equals: BAD } } };
  const settings = quickAlerts(receiver, { off: STARTING, cycleDeadline: '1s' });
  system.configureSmall(categories, { every: '1s', model: slow, settings });
  system.daemon();
  const fired = await told('cycle-slow', 'fired');
  expect(fired.message).toMatch(/^cycle \S+ of m (has been running for|took) \d+s, longer than 1s$/);
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  await told('cycle-slow', 'resolved');
  expect(receiver.events('cycle-slow')).toEqual(['fired', 'resolved']);
});

test('reads that the model answers, for want of rows', async () => {
  const settings = {
    ...quickAlerts(receiver, { off: STARTING, failedCycles: 100 }),
    roles: ['scheduler', 'worker', 'api'],
  };
  system.configureSmall(categories, { every: '1s', settings });
  const daemon = system.daemon();
  await daemon.cycle();
  const url = await daemon.url();
  const read = async (category: string): Promise<number> =>
    (await fetch(`${url}/v1/models/m/predictions?category=${encodeURIComponent(category)}&day=0&hour=0`)).status;
  const unknown = Array.from({ length: 30 }, (_, i) => `nobody knows ${i}`);
  // A few at a time: the model has limits of its own for readers.
  for (const category of unknown) expect(await read(category)).toBe(200);
  const fired = await told('reads-fall-through', 'fired');
  expect(fired.message).toMatch(
    /^\S+ % of \d+ reads of m in the last minute were answered by Postgres or the model, more than 5 %$/,
  );
  // Many reads that Redis answers, or the memory that holds what it had.
  const known = Array.from({ length: 100 * 10 }, (_, i) => categories[i % categories.length] ?? '');
  for (let i = 0; i < known.length; i += 50) await Promise.all(known.slice(i, i + 50).map(read));
  await told('reads-fall-through', 'resolved');
  expectOnly('fired reads-fall-through m', 'resolved reads-fall-through m');
});
