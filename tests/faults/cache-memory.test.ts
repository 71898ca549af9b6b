import { redisState } from '#shared/connections/redis-state';
import { type DaemonProcess, errorsIn, type LogLine } from '../support/daemon-process';
import { metricOf } from '../support/metrics';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** A cache Redis that evicts: it may, and any key can be the one that goes. */

jest.setTimeout(90_000);

/** 2,000 rows of 704 bytes: about 2 MB in Redis, which takes 1 MB for itself. */
const categories = someCategories(2_000);
const AXES = { day: { from: 0, to: 6 }, hour: { from: 0, to: 23 } };
const PERIOD_MS = 2_000;

let system: TestSystem;
afterEach(() => system.stop());

test('rows that were evicted are noticed without a reader, healed and counted', async () => {
  const daemon = await started('20mb', '1h');
  const { live } = await daemon.cycle();
  const before = await system.rows(String(live), categories);
  await onlyRowsAreIdle(String(live));
  const mark = daemon.mark;
  await squeeze(300_000);

  const noticed = await daemon.logged(({ message }) => message === 'rows went from the cache: healing', {
    after: mark,
  });
  expect(noticed).toMatchObject({ level: 'warn', model: 'm', rows: expect.any(Number) });
  const heal = await daemon.logged(healed, { after: mark });
  expect(heal.rows).toBeGreaterThan(100);
  expect(heal).toMatchObject({ message: 'cycle complete', computed: 0, restored: heal.rows, lost: heal.rows, live });
  expect(await system.rows(String(live), categories)).toEqual(before);
  expect(await metricOf(daemon, 'forewarm_rows_lost_total{model="m"}')).toBe(heal.rows);
  expect(await metricOf(daemon, 'forewarm_redis_evicted_keys{role="cache"}')).toBeGreaterThan(100);
  await eventually('the rows to be counted again', async () => {
    const [present, expected] = await Promise.all([
      metricOf(daemon, 'forewarm_rows_present{model="m"}'),
      metricOf(daemon, 'forewarm_rows_expected{model="m"}'),
    ]);
    return present === 2_000 && expected === 2_000;
  });
  expect(daemon.lines.slice(mark).length).toBeLessThan(8);
});

test('a cache that can never hold all rows is told so once, with what it needs, and cycles keep to their period', async () => {
  const daemon = await started('2500kb', `${PERIOD_MS}ms`);
  const told = await daemon.logged(tooSmall);
  expect(told).toMatchObject({ level: 'warn', model: 'm', expected: 2_000, maxBytes: 2_500 * 1024 });
  expect(told.rows).toBeLessThan(2_000);
  expect(told.next).toMatch(/^Raise its maxmemory to [\d.]+ MiB or more/);
  const [from, began] = [daemon.mark, performance.now()];
  const reader = await system.reader(categories);
  for (let cycles = 0; cycles < 5; cycles++) {
    const line = await daemon.logged(scheduled, { after: daemon.mark });
    expect(line).toMatchObject({ message: 'cycle degraded', computed: 2_000, durable: 2_000 });
    expect(line.reason).toMatch(
      /^\d+ rows were gone from the cache when the cycle ended: it evicts, with [\d.]+ MiB of its maxmemory/,
    );
  }
  await reader.stop();
  const periods = (performance.now() - began) / PERIOD_MS;
  const heals = daemon.lines.slice(from).filter(healed);
  // For what readers miss, one in a period; and for a pointer that was evicted.
  expect(heals.length).toBeLessThanOrEqual(2 * periods + 2);
  // What readers miss is brought back for them, and not all the rest with it.
  expect(reader.wrong).toEqual([]);
  expect(reader.answers).toBeGreaterThan(0);
  for (const [what] of reader.refused) expect(what).toMatch(/missing, and the daemon was asked|FW_NOT_WARMED/);
  expect(daemon.lines.filter(tooSmall)).toHaveLength(1);
  expect(errorsIn(daemon.lines)).toEqual([]);
  const metadata = await eventually('the metadata', async () => system.cache().metadata());
  expect(metadata).toMatchObject({ state: 'degraded', expected: 2_000, failed: 0 });
  expect(metadata.rows).toBeLessThan(2_000);

  // What it asked for is enough.
  await system.client.config('SET', 'maxmemory', String(told.neededBytes));
  const back = await daemon.logged(({ message }) => message === 'the cache holds all rows again', { after: from });
  expect(back).toMatchObject({ level: 'info', model: 'm', rows: 2_000 });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 2_000 });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('a new model is served though the cache cannot hold all of its rows', async () => {
  const daemon = await started('2500kb', `${PERIOD_MS}ms`);
  const { live } = await daemon.logged(scheduled);
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  const published = await daemon.logged(
    ({ message, generation }) => message === 'generation published' && generation !== live,
  );
  expect(published.previous).toBe(live);
  const [category = ''] = categories;
  await eventually('a row of the new generation', async () => {
    const generation = String((await system.cache().pointer())?.generation);
    return generation === published.generation && (await system.rows(generation, [category])).size === 1;
  });
});

test.each([
  ['pointer', () => system.cache().keys.live],
  ['metadata', () => system.cache().keys.metadata],
])('a %s that is evicted comes back, and the rows are neither computed nor moved', async (what, key) => {
  const daemon = await started('0', '1h');
  const { live } = await daemon.cycle();
  await system.watchdogLooked(daemon);
  const before = await system.rows(String(live), categories);
  const mark = daemon.mark;
  await system.client.del(key());
  if (what === 'pointer') {
    await daemon.logged(({ message }) => message.startsWith('the cache has lost what was published'), { after: mark });
    expect(await daemon.logged(healed, { after: mark })).toMatchObject({ rows: 2_000, verified: 2_000, computed: 0 });
    expect(await system.cache().pointer()).toMatchObject({ generation: live });
  } else {
    // It is for people and for the age of the rows, and is written by the next cycle of whatever kind.
    await system.client.del(system.cache().keys.row(String(live), categories[7] ?? ''));
    expect(await daemon.logged(healed, { after: mark })).toMatchObject({ rows: 1, restored: 1, lost: 1 });
    expect(await system.cache().metadata()).toMatchObject({ generation: live, rows: 2_000, expected: 2_000 });
  }
  expect(await system.rows(String(live), categories)).toEqual(before);
});

test('an index that is evicted is written again, and until then nobody is told that a category is unknown', async () => {
  const daemon = await started('0', '1h');
  const { live } = await daemon.cycle();
  await system.watchdogLooked(daemon);
  const { keys } = system.cache();
  const [lost = '', other = ''] = categories;
  await system.client
    .multi()
    .del(keys.index(String(live)), keys.row(String(live), lost))
    .exec();
  await system.client.sadd(keys.index(String(live)), other);
  const reader = await system.reader(categories.slice(0, 2));
  await daemon.logged(({ message }) => message.startsWith('the index of the rows had gaps'));
  await daemon.logged(healed);
  await eventually('the row', async () => (await system.rows(String(live), [lost])).size === 1);
  await reader.stop();
  expect(await system.client.scard(keys.index(String(live)))).toBe(2_000);
  expect([...reader.refused.keys()].filter((what) => what.includes('there is no row'))).toEqual([]);
  expect(reader.wrong).toEqual([]);
});

test('a cache that is full and may not evict keeps its rows: readers get them, cycles fail and say why, until there is room', async () => {
  system = await TestSystem.start({ queueRedis: {} });
  const daemon = configured('1s');
  const { live } = await daemon.cycle();
  const reader = await system.reader(categories);
  await system.client.config('SET', 'maxmemory', '2mb');
  const mark = daemon.mark;
  const failed = await daemon.cycle('failed', mark);
  expect(failed).toMatchObject({ rows: 2_000, computed: 0, failed: 2_000, live });
  expect(failed.reason).toMatch(/FW_REDIS_WRITE_FAILED: writing \d+ rows of forewarm:m: OOM command not allowed/);
  // Two that are tried again and one that fails for good, and the cycle; not that for each of its twenty batches.
  const ofCycle = daemon.lines.slice(mark).filter(({ cycle }) => cycle === failed.cycle);
  expect(ofCycle.length).toBeLessThanOrEqual(4);

  await system.client.config('SET', 'maxmemory', '0');
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 2_000, live });
  await reader.stop();
  expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
});

async function started(maxMemory: string, every: string): Promise<DaemonProcess> {
  const args = ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', maxMemory];
  system = await TestSystem.start({ redis: { args }, queueRedis: {} });
  return configured(every);
}

function configured(every: string): DaemonProcess {
  system.write('m.onnx', smallModel(categories));
  system.configure({ m: { file: 'm.onnx', axes: AXES, categories, every } }, { watchdog: { every: '1s' } });
  return system.daemon();
}

/** Makes the server evict keys of so many bytes, and gives it room again. */
async function squeeze(bytes: number): Promise<void> {
  const { usedBytes, maxBytes } = await redisState(system.client);
  await system.client.config('SET', 'maxmemory', usedBytes - bytes);
  await eventually('evictions', async () => (await redisState(system.client)).evictedKeys > 0);
  await system.client.config('SET', 'maxmemory', maxBytes);
}

/** Until pointer, metadata and index, which the watchdog looks at, were used after all rows: the oldest keys are evicted first. */
async function onlyRowsAreIdle(generation: string): Promise<void> {
  const { keys } = system.cache();
  const idle = async (key: string): Promise<number> => Number(await system.client.object('IDLETIME', key));
  const rows = categories.map((category) => keys.row(generation, category));
  await eventually('the rows to be idle', async () => {
    const times = await Promise.all([rows[0] ?? '', rows.at(-1) ?? ''].map(idle));
    return Math.min(...times) >= 3;
  });
  const others = [keys.live, keys.metadata, keys.index(generation)];
  await eventually('the others not to be', async () => Math.max(...(await Promise.all(others.map(idle)))) <= 1);
}

function scheduled({ message, trigger }: LogLine): boolean {
  return message.startsWith('cycle ') && message !== 'cycle skipped' && trigger === 'schedule';
}

function healed({ message, trigger }: LogLine): boolean {
  return message.startsWith('cycle ') && trigger === 'heal';
}

function tooSmall({ message }: LogLine): boolean {
  return message.startsWith('the cache Redis is too small for all rows');
}
