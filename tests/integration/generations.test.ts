import type { Redis } from 'ioredis';
import { numberReaderModel } from '../support/models';
import { eventually, SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';

/** A model file that changes while the daemon runs, and categories that come and go. */

jest.setTimeout(90_000);

const categories = someCategories(10);

interface Event {
  readonly type: string;
  readonly generation: string;
  readonly categories?: readonly string[];
}

let system: TestSystem;
let listener: Redis | undefined;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => {
  listener?.disconnect();
  return system.stop();
});

/** What readers of the model are told from now on. */
async function eventsOf(): Promise<Event[]> {
  const events: Event[] = [];
  listener = system.client.duplicate();
  listener.on('message', (_channel, message: string) => events.push(JSON.parse(message)));
  await listener.subscribe('forewarm:m:events');
  return events;
}

test('a changed file is warmed beside the live generation, which flips once; the one before the last is dropped', async () => {
  system.configureSmall(categories, { every: '1s', batchSize: 2 });
  const events = await eventsOf();
  const daemon = system.daemon();
  const generations = [String((await daemon.cycle()).live)];
  for (const bias of [100, 200]) {
    system.write('m.onnx', smallModel(categories, { bias }));
    const { generation, previous } = await daemon.logged(({ message, generation: found }) => {
      return message === 'generation published' && !generations.includes(String(found));
    });
    expect(previous).toBe(generations.at(-1));
    generations.push(String(generation));
  }
  await daemon.logged(({ message, generation }) => message === 'generation dropped' && generation === generations[0]);
  await daemon.cycle('complete', daemon.mark);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });

  const [first = '', second = '', third = ''] = generations;
  expect(await system.cache().pointer()).toMatchObject({ generation: third, previous: second });
  // All rows of a generation are there before readers are sent to it, and each is published once.
  const published = events.filter(({ type }) => type === 'published').map(({ generation }) => generation);
  expect(published).toEqual(generations);
  for (const generation of generations) {
    const flip = events.findIndex((event) => event.type === 'published' && event.generation === generation);
    const rows = events.slice(0, flip).filter((event) => event.type === 'rows' && event.generation === generation);
    expect(rows.length).toBeGreaterThanOrEqual(5);
  }
  expect(events.filter(({ type }) => type === 'dropped').map(({ generation }) => generation)).toEqual([first]);

  for (const [generation, count] of [
    [first, 0],
    [second, 10],
    [third, 10],
  ] as const) {
    expect((await system.rows(generation, categories)).size).toBe(count);
    expect((await system.durableRows(generation, categories)).size).toBe(count);
    expect(await system.client.scard(system.cache().keys.index(generation))).toBe(count);
  }
  expect(await system.client.keys(`forewarm:m:${first}*`)).toEqual([]);
  const { rows } = await system.pool.query('SELECT id, state FROM forewarm.generation ORDER BY created_at');
  expect(rows).toEqual([
    { id: first, state: 'dropped' },
    { id: second, state: 'previous' },
    { id: third, state: 'live' },
  ]);
});

test('while PostgreSQL is away the generation before the last leaves the cache all the same', async () => {
  const postgres = { url: 'postgres://nobody@127.0.0.1:1/nothing' };
  system.configureSmall(categories, { every: '1s', settings: { postgres } });
  const daemon = system.daemon();
  const generations = [String((await daemon.cycle('degraded')).live)];
  for (const bias of [100, 200]) {
    system.write('m.onnx', smallModel(categories, { bias }));
    const flip = await daemon.logged(
      ({ message, generation }) => message === 'generation published' && !generations.includes(String(generation)),
    );
    generations.push(String(flip.generation));
  }
  const [first = '', second = '', third = ''] = generations;
  await eventually('the first to be gone', async () => {
    return (await system.client.keys(`forewarm:m:${first}*`)).length === 0;
  });
  for (const kept of [second, third]) expect((await system.rows(kept, categories)).size).toBe(10);
});

test('a changed model gets new inference processes, and nobody is told that any were lost', async () => {
  system.configureSmall(categories, { every: '1s', batchSize: 2 });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  const before = await daemon.children();
  system.write('m.onnx', smallModel(categories, { bias: 100 }));
  await daemon.logged(({ message, previous }) => message === 'generation published' && previous === live);
  // A process that had no batch of the old generation need not go.
  const after = await eventually('a full pool', async () => {
    const now = await daemon.children();
    return now.length === before.length && now;
  });
  expect(after.filter((pid) => before.includes(pid)).length).toBeLessThan(before.length);
  expect(daemon.lines.filter(({ message }) => /^(inference process lost|job failed)/.test(message))).toEqual([]);
  const metrics = await (await fetch(`${await daemon.url()}/metrics`)).text();
  expect(metrics).not.toMatch(/^forewarm_inference_processes_lost_total\{/m);
});

test('a daemon that starts with a changed file while a cycle of the old one runs does not wait for a whole period', async () => {
  const slow = { iterations: 100_000, when: { input: 'category', equals: categories[4] ?? '' } };
  system.configureSmall(categories, { model: { slow }, every: '1h', batchSize: 2 });
  const killed = system.daemon();
  const old = await system.recorded(({ state }) => state === 'running');
  await killed.computing();
  await killed.stop('SIGKILL');
  system.write('m.onnx', smallModel(categories, { bias: 100 }));

  const daemon = system.daemon();
  await daemon.logged(({ message, cycle }) => message.startsWith('cycle ') && cycle === old.id);
  const healed = await daemon.cycle();
  expect(healed).toMatchObject({
    trigger: 'heal',
    computed: 10,
    live: expect.not.stringMatching(String(old.generation)),
  });
});

test('a category that the model refuses keeps no other from being served, also as the first of all', async () => {
  system.write('m.onnx', numberReaderModel());
  const numbers = ['none', '1', '2', 'neither', '4'];
  system.configure({ m: { file: 'm.onnx', axes: SMALL_AXES, categories: numbers, every: '1h', batchSize: 3 } });
  const daemon = system.daemon();
  expect(await daemon.cycle('degraded')).toMatchObject({ rows: 5, computed: 3, failed: 2, live: expect.any(String) });
  expect(daemon.lines.filter(({ message }) => message.startsWith('job failed'))).toEqual([]);
});

test('a file that is no model leaves the live generation in place, until it is mended', async () => {
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  system.write('m.onnx', 'half of a file');
  const failed = await system.recorded(({ state }) => state === 'failed');
  expect(failed).toMatchObject({ trigger: 'schedule', generation: null, batches: 0 });
  expect(failed.reason).toMatch(/m\.onnx .* is not a model that the runtime can load/);
  expect(await system.cache().pointer()).toMatchObject({ generation: live, previous: null });
  system.write('m.onnx', smallModel(categories, { bias: 7 }));
  expect(
    await daemon.logged(({ message, previous }) => message === 'generation published' && previous === live),
  ).toBeDefined();
});

test('rows of categories that left the configuration are dropped, and new ones are computed at the start', async () => {
  system.configureSmall(categories, { every: '1h' });
  const first = system.daemon();
  const generation = String((await first.cycle()).live);
  expect(await first.stop()).toEqual({ code: 0, signal: null });

  // The model file stays, and with it the generation.
  const fewer = [...categories.slice(0, 6), 'category 99999'];
  system.configure({
    m: { file: 'm.onnx', axes: { day: { from: 0, to: 3 }, hour: { from: 0, to: 5 } }, categories: fewer, every: '1h' },
  });
  const events = await eventsOf();
  const second = system.daemon();
  const startup = await second.logged(({ trigger }) => trigger === 'startup');
  expect(startup).toMatchObject({ message: 'cycle complete', rows: 1, computed: 1, live: generation });
  await system.queue('warm').add('warm', { model: 'm', trigger: 'schedule' });
  await second.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule');
  expect(second.lines).toContainEqual(
    expect.objectContaining({ message: 'rows of removed categories dropped', rows: 4 }),
  );
  const metadata = await system.cache().metadata();
  expect(await second.stop()).toEqual({ code: 0, signal: null });
  // Readers that hold rows in memory must let them go.
  const told = events.filter(({ type, categories: rows }) => type === 'rows' && rows?.includes(categories[6] ?? ''));
  expect(told.map(({ categories: rows }) => rows?.toSorted())).toEqual([categories.slice(6)]);

  expect(metadata).toMatchObject({ generation, rows: 7, expected: 7, state: 'complete' });
  const all = [...new Set([...categories, ...fewer])];
  expect([...(await system.rows(generation, all)).keys()].sort()).toEqual(fewer);
  expect([...(await system.durableRows(generation, all)).keys()].sort()).toEqual(fewer);
  expect((await system.client.smembers(system.cache().keys.index(generation))).sort()).toEqual(fewer);
});
