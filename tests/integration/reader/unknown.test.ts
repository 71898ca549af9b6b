import { parseEvent } from '#shared/cache/events';
import type { Predictor } from '#shared/predictor/predictor';
import { eventually, someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** Categories that are not warmed, and rows that should be there and are not. */

jest.setTimeout(90_000);

const categories = someCategories(20);
const [FIRST = '', SECOND = '', THIRD = ''] = categories;
const at = { day: 3, hour: 5 };
/** What the model gives for a category that it does not know. */
const STRANGER = 0.5 * 3 + 0.25 * 5;

let warmed: WarmedSystem;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.stop());
afterEach(() => warmed.restore());

const refusal = (reader: Predictor, category: string) =>
  reader.predict('m', category, at).then(
    (answer) => answer,
    (error: unknown) => error,
  );

/** The `missing` events that come until `work` is done and said. */
async function whileListening(work: () => Promise<unknown>): Promise<unknown[]> {
  const { client } = warmed.system;
  const listener = client.duplicate();
  const heard: string[] = [];
  listener.on('message', (_channel, message: string) => heard.push(message));
  await listener.subscribe('forewarm:m:events');
  await work();
  // What was missed is told when a predictor closes, and messages come in their order.
  await warmed.closePredictors();
  await client.publish('forewarm:m:events', 'end');
  await eventually('the end', () => heard.includes('end'));
  listener.disconnect();
  return heard.slice(0, -1).map(parseEvent);
}

/** Keys of the cache: those of the queue come and go by themselves. */
const cacheKeys = async () => (await warmed.system.client.keys('forewarm:*')).length;

test('the model answers for a category that is not warmed, and no store is given it', async () => {
  const reader = warmed.predictor({ memory: {} });
  const keys = await cacheKeys();
  const heard = await whileListening(async () => {
    const asked = await Promise.all([reader.predict('m', 'stranger', at), reader.row('m', 'stranger')]);
    expect(asked[0]).toMatchObject({ values: { prediction: STRANGER }, tier: 'model', stale: false });
    expect(asked[1].values[23]).toBe(STRANGER);
    // In memory it may stay.
    expect(await reader.predict('m', 'stranger', at)).toMatchObject({ tier: 'memory' });
  });
  expect(heard).toEqual([]);
  expect(await cacheKeys()).toBe(keys);
  expect((await warmed.system.durableRows(warmed.generation, ['stranger'])).size).toBe(0);
  expect(reader.stats()).toMatchObject({ writtenBack: 0, models: { m: { model: { hit: 1 } } } });
});

test('10,000 strange names leave nothing in the stores, and take no more memory than they may', async () => {
  const maxBytes = 400_000;
  const reader = warmed.predictor({ memory: { maxBytes, maxAgeMs: 3_600_000 } });
  for (const category of categories) await reader.predict('m', category, at);
  const keys = await cacheKeys();
  const names = Array.from({ length: 10_000 }, (_, i) => `${i} ${String.fromCodePoint(0x100 + i)} '"\\:{}*`);
  for (let from = 0; from < names.length; from += 500) {
    const questions = names.slice(from, from + 500).map((category) => ({ model: 'm', category, coordinates: at }));
    for (const outcome of await reader.predictMany(questions)) {
      expect(outcome).toMatchObject({
        status: 'fulfilled',
        value: { values: { prediction: STRANGER }, tier: 'model' },
      });
    }
  }
  await eventually('no flight', async () => (await cacheKeys()) <= keys);
  expect(await warmed.system.client.scard(warmed.index)).toBe(categories.length);
  expect((await warmed.system.pool.query('SELECT 1 FROM forewarm.row')).rowCount).toBe(categories.length);
  const { memory, writtenBack } = reader.stats();
  expect([writtenBack, memory.bytes <= maxBytes, memory.rows > categories.length]).toEqual([0, true, true]);
  // What is warmed was not washed out.
  for (const category of categories) expect(await reader.predict('m', category, at)).toMatchObject({ tier: 'memory' });
});

test('where the model computes none that is not warmed, it is refused and nothing is computed', async () => {
  const files = [warmed.modelFile({ unknownCategories: 'refuse' })];
  for (const options of [{ models: files }, { unknownCategories: 'refuse' as const }]) {
    const reader = warmed.predictor(options);
    expect(await refusal(reader, 'stranger')).toMatchObject({
      code: 'FW_CATEGORY_UNKNOWN',
      message: 'there is no row for the category "stranger", and m computes none that is not warmed',
    });
    expect(reader.stats().models.m?.model).toBeUndefined();
  }
  // One that is warmed is computed all the same.
  await warmed.loseInRedis([FIRST]);
  await warmed.loseInPostgres([FIRST]);
  expect(await warmed.predictor({ models: files }).predict('m', FIRST, at)).toMatchObject({ tier: 'model' });
});

test.each([
  ['Redis alone', { postgres: undefined, models: undefined }],
  ['both stores', { models: undefined }],
  ['PostgreSQL alone', { redis: undefined, models: undefined }],
])('without a model nobody knows it: %s', async (_, options) => {
  const reader = warmed.predictor(options);
  expect(await refusal(reader, 'stranger')).toMatchObject({
    code: 'FW_CATEGORY_UNKNOWN',
    message: 'there is no row for the category "stranger"',
    next: 'Check the spelling; names are exact.',
  });
  expect(reader.stats().failedCalls).toBe(0);
});

test('with the model alone every category is answered', async () => {
  const reader = warmed.predictor({ redis: undefined, postgres: undefined });
  expect(await reader.predict('m', 'stranger', at)).toMatchObject({ values: { prediction: STRANGER }, tier: 'model' });
  expect(await reader.predict('m', FIRST, at)).toMatchObject({
    values: { prediction: warmed.expected(FIRST, 3, 5) },
    generation: warmed.generation,
  });
});

test.each([
  ['', 'is empty'],
  ['a\0b', 'holds the character U+0000'],
  ['\ud800', 'holds a lone surrogate and is no valid Unicode'],
  ['x'.repeat(513), 'is 513 bytes long, 512 at most are allowed'],
  ['é'.repeat(1_000_000), 'is 2000000 bytes long, 512 at most are allowed'],
])('a category that cannot be is refused before any tier is asked (%#)', async (category, fault) => {
  const reader = warmed.predictor({ memory: {} });
  const many = await reader.predictMany(
    [FIRST, category, FIRST].map((one) => ({ model: 'm', category: one, coordinates: at })),
  );
  expect(many.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  for (const error of [await refusal(reader, category), (many[1] as { reason: unknown }).reason]) {
    expect(error).toMatchObject({ code: 'FW_CATEGORY_UNKNOWN', message: expect.stringContaining(fault) });
    expect((error as Error).message.length).toBeLessThan(500);
  }
  expect(reader.stats().models.m).toMatchObject({ redis: { hit: 1, miss: 0 } });
});

test('a row that Redis should have is told to the daemon once, though many ask and another tier has it', async () => {
  await warmed.system.client.del(warmed.key(FIRST), warmed.key(SECOND));
  const heard = await whileListening(async () => {
    // It stays missing.
    const reader = warmed.predictor({ writeBack: false });
    await Promise.all(Array.from({ length: 50 }, () => reader.predict('m', FIRST, at)));
    for (let i = 0; i < 20; i++) await Promise.all([reader.predict('m', SECOND, at), reader.row('m', FIRST)]);
    await refusal(reader, 'stranger');
  });
  expect(heard.map((event) => (event as { type: string }).type)).not.toContain('rows');
  const told = heard.flatMap((event) => (event as { categories: string[] }).categories);
  expect(told.sort()).toEqual([FIRST, SECOND]);
});

test('many rows that are missing at the same time are told in few messages', async () => {
  await warmed.system.client.del(...categories.map((category) => warmed.key(category)));
  const heard = await whileListening(async () => {
    const reader = warmed.predictor({ writeBack: false });
    await reader.predictMany(categories.map((category) => ({ model: 'm', category, coordinates: at })));
  });
  expect(heard).toEqual([{ type: 'missing', generation: warmed.generation, categories: expect.any(Array) }]);
  expect((heard[0] as { categories: string[] }).categories.sort()).toEqual([...categories].sort());
});

test('an index that was lost with the rows does not make them strange: all are told and answered', async () => {
  await warmed.system.client.del(...categories.map((category) => warmed.key(category)), warmed.index);
  const heard = await whileListening(async () => {
    const reader = warmed.predictor({ writeBack: false, models: undefined });
    expect(await reader.predict('m', THIRD, at)).toMatchObject({ tier: 'postgres' });
    const only = warmed.predictor({ writeBack: false, models: undefined, postgres: undefined });
    expect(await refusal(only, THIRD)).toMatchObject({
      code: 'FW_CATEGORY_UNKNOWN',
      message: expect.stringContaining('is missing, and the daemon was asked to heal it'),
    });
  });
  expect(heard).toEqual(Array(2).fill({ type: 'missing', generation: warmed.generation, categories: [THIRD] }));
});

test('a reader that Redis lets do nothing but read goes on reading, however much is missing', async () => {
  const { client, redis } = warmed.system;
  await client.call(
    'ACL',
    'SETUSER',
    'looker',
    'on',
    '>secret',
    '~*',
    '&*',
    '+get',
    '+mget',
    '+hello',
    '+info',
    '+auth',
    '+client',
  );
  const url = new URL(redis.url);
  Object.assign(url, { username: 'looker', password: 'secret' });
  await warmed.loseInRedis([FIRST]);
  const errors: string[] = [];
  const reader = warmed.predictor({ redis: url.toString(), onError: (error) => errors.push(error.message) });
  for (let i = 0; i < 30; i++) {
    expect(await reader.predict('m', SECOND, at)).toMatchObject({ tier: 'redis' });
    expect(await reader.predict('m', FIRST, at)).toMatchObject({ tier: 'postgres' });
  }
  await reader.close();
  await client.call('ACL', 'DELUSER', 'looker');
  expect(errors.length).toBeGreaterThan(0);
  expect(reader.stats().models.m?.redis).toMatchObject({ error: 0, skipped: 0 });
});
