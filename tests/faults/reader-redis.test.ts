import { CheckedLoad } from '../support/checked-load';
import { FaultyProxy } from '../support/servers/proxy';
import { eventually, someCategories } from '../support/system';
import { WarmedSystem } from '../support/warmed-system';

/** Readers while Redis is slow, gone, frozen or empty: PostgreSQL answers, every call in time, and Redis again when it is back. */

jest.setTimeout(90_000);

const categories = someCategories(30);
const DEADLINE_MS = 5_000;
/** For machines that are held up. */
const SLACK_MS = 1_000;
/** How soon Redis answers again when it is back. */
const RECOVERY_MS = 2_000;

let warmed: WarmedSystem;
let proxy: FaultyProxy;
let load: CheckedLoad;
const errors: string[] = [];

beforeAll(async () => {
  // Rows survive a restart.
  warmed = await WarmedSystem.start(categories, { redis: { appendOnly: true } });
  proxy = await FaultyProxy.to(warmed.system.redis.url);
});
afterAll(async () => {
  await proxy.close();
  await warmed.stop();
});
afterEach(async () => {
  await load.stop();
  await proxy.heal();
  await warmed.closePredictors();
});

/** Under load, with the limits that a predictor has by itself; the model, which is slow to start, has more. */
async function start(): Promise<void> {
  errors.length = 0;
  const limits = { limitsMs: { model: 4_000 }, deadlineMs: DEADLINE_MS };
  const reader = warmed.predictor({ redis: proxy.url, ...limits, onError: (error) => errors.push(error.message) });
  load = new CheckedLoad(reader, categories);
  await load.more('redis');
}

/** All went well for those who asked, and Redis answers again soon after `back`. */
async function expectRecovery(back: () => unknown): Promise<void> {
  await back();
  const tookMs = await load.more('redis', 1);
  await load.more('redis');
  await load.stop();
  expect([load.wrong, [...load.refused]]).toEqual([[], []]);
  expect(load.slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  expect(tookMs).toBeLessThan(RECOVERY_MS + SLACK_MS);
}

test.each<[string, () => unknown]>([
  ['answers 200 ms late', () => proxy.delay(100)],
  ['is stopped in good order', () => proxy.cut()],
  ['resets every connection', () => proxy.reset()],
  ['takes everything and says nothing', () => proxy.freeze()],
])('a Redis that %s', async (_, fault) => {
  await start();
  await fault();
  await load.more('postgres', 200);
  // It is not asked for each question: most of the time it is left alone.
  await load.goOn(700);
  await expectRecovery(() => proxy.heal());
});

test('a Redis that goes and comes several times', async () => {
  await start();
  for (const fault of [() => proxy.cut(), () => proxy.freeze(), () => proxy.reset(), () => proxy.cut()]) {
    await fault();
    await load.more('postgres', 20);
    await proxy.heal();
    await load.more('redis', 20);
  }
  await expectRecovery(() => undefined);
});

test('a Redis whose process stands still for three seconds', async () => {
  await start();
  await warmed.system.redis.kill('SIGSTOP');
  await load.more('postgres', 200);
  await load.goOn(3_000);
  await expectRecovery(() => warmed.system.redis.kill('SIGCONT'));
});

test('a Redis that is killed and comes back with its rows', async () => {
  await start();
  await warmed.system.redis.kill();
  await load.more('postgres', 200);
  await expectRecovery(() => warmed.system.redis.start());
});

test('a Redis that comes back with nothing is filled by the readers', async () => {
  await start();
  await warmed.system.client.flushall();
  await load.more('redis', 200);
  await eventually('all rows', async () => (await warmed.system.rows(warmed.generation, categories)).size === 30);
  expect(await warmed.system.client.scard(warmed.index)).toBe(30);
  const rows = await warmed.system.rows(warmed.generation, categories);
  for (const category of categories) expect(rows.get(category)?.equals(warmed.bytesOf(category))).toBe(true);
  await expectRecovery(() => undefined);
  // One that begins now learns from PostgreSQL what is live.
  const another = warmed.predictor();
  expect(await another.predict('m', categories[0] ?? '', { day: 0, hour: 0 })).toMatchObject({ tier: 'redis' });
  expect(await another.describe('m')).toMatchObject({ tier: 'postgres', generation: warmed.generation });
});

test('a reader that begins while Redis is away does not wait for it, and finds it later', async () => {
  await proxy.cut();
  const reader = warmed.predictor({ redis: proxy.url, limitsMs: {}, deadlineMs: DEADLINE_MS });
  const began = performance.now();
  load = new CheckedLoad(reader, categories);
  await load.more('postgres', 1);
  expect(performance.now() - began).toBeLessThan(DEADLINE_MS);
  await expectRecovery(() => proxy.heal());
});

test('a process that is held up itself takes nothing for a fault of a Redis that is well', async () => {
  await start();
  await load.stop();
  const reader = warmed.predictor({ limitsMs: {} });
  await reader.describe('m');
  for (let round = 0; round < 8; round++) {
    const asked = categories.map((category) => reader.predict('m', category, { day: 1, hour: 1 }));
    const many = reader.predictMany(
      categories.map((category) => ({ model: 'm', category, coordinates: { day: 1, hour: 1 } })),
    );
    const endMs = performance.now() + 200;
    while (performance.now() < endMs);
    for (const [i, { values, tier }] of (await Promise.all(asked)).entries()) {
      expect([values.prediction, tier]).toEqual([warmed.expected(categories[i] ?? '', 1, 1), 'redis']);
    }
    for (const outcome of await many) expect(outcome).toMatchObject({ value: { tier: 'redis' } });
  }
  expect(reader.stats().models.m).toMatchObject({ redis: { error: 0, skipped: 0, miss: 0 } });
});
