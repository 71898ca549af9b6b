import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { Predictor } from '#shared/predictor/predictor';
import { FaultyProxy } from '../../support/servers/proxy';
import { eventually, smallModel, someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** What callers give and get: many questions at once, limits, descriptions, and who closes what. */

jest.setTimeout(90_000);

const categories = someCategories(200);
const [FIRST = '', SECOND = ''] = categories;
const at = { day: 3, hour: 5 };

let warmed: WarmedSystem;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.stop());
afterEach(() => warmed.restore());

const unanswered = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => error,
  );

async function calls(command: string): Promise<number> {
  const stats = await warmed.system.client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

test('10,000 questions are answered in their order, with one request for the rows of all', async () => {
  // What is live is not asked for again while the clock stands still.
  const now = Date.now();
  const reader = warmed.predictor({ clock: { now: () => now } });
  await reader.describe('m');
  const questions = Array.from({ length: 10_000 }, (_, i) => ({
    model: 'm',
    category: categories[(i * 7) % categories.length] ?? '',
    coordinates: { day: i % 4, hour: i % 6 },
  }));
  const before = [await calls('mget'), await calls('get')];
  const outcomes = await reader.predictMany(questions);
  expect([await calls('mget'), await calls('get')]).toEqual([(before[0] ?? 0) + 1, before[1]]);
  expect(outcomes).toHaveLength(questions.length);
  const wrong = questions.filter(({ category, coordinates: { day, hour } }, i) => {
    const outcome = outcomes[i];
    return outcome?.status !== 'fulfilled' || outcome.value.values.prediction !== warmed.expected(category, day, hour);
  });
  expect(wrong).toEqual([]);
  expect(reader.stats().models.m?.redis).toMatchObject({ hit: categories.length, miss: 0 });
});

test('each of many questions has an outcome of its own', async () => {
  await warmed.loseInRedis([SECOND]);
  const reader = warmed.predictor({ models: undefined });
  const ask = (category: string, coordinates: object = at, model = 'm') =>
    ({ model, category, coordinates }) as Parameters<Predictor['predictMany']>[0][number];
  const outcomes = await reader.predictMany([
    ...[ask(SECOND), ask(FIRST), ask('stranger'), ask(FIRST, { day: 9, hour: 0 }), ask(FIRST, { day: 1 })],
    ...[ask(FIRST, at, 'another'), ask(FIRST, { day: '0', hour: '1' })],
  ]);
  expect(outcomes).toMatchObject([
    { status: 'fulfilled', value: { tier: 'postgres', values: { prediction: warmed.expected(SECOND, 3, 5) } } },
    { status: 'fulfilled', value: { tier: 'redis', values: { prediction: warmed.expected(FIRST, 3, 5) } } },
    { status: 'rejected', reason: { code: 'FW_CATEGORY_UNKNOWN' } },
    { status: 'rejected', reason: { code: 'FW_CELL_UNKNOWN', message: 'day=9 is not on the axis; it has 0, 1, 2, 3' } },
    {
      status: 'rejected',
      reason: { code: 'FW_CELL_UNKNOWN', message: 'axis hour is not given; the axes are day, hour' },
    },
    { status: 'rejected', reason: { code: 'FW_NOT_WARMED' } },
    { status: 'fulfilled', value: { values: { prediction: warmed.expected(FIRST, 0, 1) } } },
  ]);
  expect(await reader.predictMany([])).toEqual([]);
});

test.each([
  [{ day: 4, hour: 0 }, 'day=4 is not on the axis; it has 0, 1, 2, 3'],
  [{ day: 0 }, 'axis hour is not given; the axes are day, hour'],
  [{ day: 0, hour: 0, minute: 1 }, 'no axis is named minute; the axes are day, hour'],
  [{ day: '00', hour: 0 }, 'day=00 is not on the axis; it has 0, 1, 2, 3'],
])('coordinates %j are refused, the first time and later, and say what is valid', async (coordinates, message) => {
  const reader = warmed.predictor({ memory: {} });
  for (let i = 0; i < 3; i++) {
    const error = await unanswered(reader.predict('m', FIRST, coordinates as Record<string, number>));
    expect(error).toMatchObject({ code: 'FW_CELL_UNKNOWN', message });
    await reader.predict('m', FIRST, at);
  }
});

describe('while a tier does not answer', () => {
  let proxy: FaultyProxy;

  beforeEach(async () => {
    proxy = await FaultyProxy.to(warmed.system.redis.url);
  });
  afterEach(async () => {
    await proxy.heal();
    await warmed.closePredictors();
    await proxy.close();
  });

  async function stuck(options: { deadlineMs?: number } = {}): Promise<Predictor> {
    const reader = warmed.predictor({ redis: proxy.url, memory: {}, ...options });
    await reader.describe('m');
    proxy.freeze();
    return reader;
  }

  test('a call ends at its deadline, and says what the tiers had said', async () => {
    const reader = await stuck();
    const began = performance.now();
    const questions = [{ model: 'm', category: FIRST, coordinates: at }];
    const errors = await Promise.all([
      unanswered(reader.predict('m', FIRST, at, { deadlineMs: 60 })),
      unanswered(reader.row('m', FIRST, { deadlineMs: 60 })),
      reader.predictMany(questions, { deadlineMs: 60 }).then(([outcome]) => (outcome as { reason: unknown }).reason),
    ]);
    expect(performance.now() - began).toBeLessThan(2_000);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: 'FW_READ_DEADLINE',
        message: expect.stringContaining('no answer within the 60 ms that the call may take'),
        details: { deadlineMs: 60 },
      });
    }
  });

  test('the deadline of the predictor holds for all others', async () => {
    const reader = await stuck({ deadlineMs: 80 });
    const errors = await Promise.all([
      unanswered(reader.predict('m', FIRST, at)),
      unanswered(reader.rowBytes('m', SECOND)),
      unanswered(reader.describe('another')),
    ]);
    for (const error of errors) expect(error).toMatchObject({ code: 'FW_READ_DEADLINE' });
    expect(reader.stats().failedCalls).toBe(2);
  });

  test('who gives up gets his own reason at once, and others who wait for the same row go on', async () => {
    const reader = await stuck();
    const reason = new Error('the browser is gone');
    const controller = new AbortController();
    const { signal } = controller;
    const given = [
      reader.predict('m', FIRST, at, { signal }),
      reader.row('m', FIRST, { signal }),
      reader.predictMany([{ model: 'm', category: FIRST, coordinates: at }], { signal }),
      reader.predict('m', FIRST, at, { signal, deadlineMs: 30_000 }),
    ].map(unanswered);
    const other = reader.predict('m', FIRST, at);
    controller.abort(reason);
    expect(await Promise.all(given)).toEqual(Array(4).fill(reason));
    await proxy.heal();
    expect((await other).values.prediction).toBe(warmed.expected(FIRST, 3, 5));
  });
});

test('a signal that was given too late is heard at once, and no error of the work is left unheard', async () => {
  const reader = warmed.predictor({ models: undefined });
  const signal = AbortSignal.abort(new Error('before'));
  const given = [
    reader.predict('m', 'stranger', at, { signal }),
    reader.row('m', 'stranger', { signal }),
    reader.predictMany([{ model: 'm', category: FIRST, coordinates: at }], { signal }),
    reader.describe('another', { signal }),
  ];
  for (const call of given) await expect(call).rejects.toThrow('before');
  // An error that nobody heard would end the process: Jest does not, so another one tries it.
  const program = `const { Predictor } = require(process.argv[1]);
    const reader = new Predictor({ redis: process.argv[2] });
    const signal = AbortSignal.abort(new Error('before'));
    const calls = [reader.predict('m', 'stranger', { day: 0, hour: 0 }, { signal }), reader.describe('another', { signal })];
    Promise.allSettled(calls).then(() => reader.predict('m', 'stranger', { day: 0, hour: 0 })).catch(async ({ code }) => {
      await reader.close();
      console.log(code);
    });`;
  const path = join(__dirname, '../../../dist/shared/predictor/predictor.js');
  const said = execFileSync(process.execPath, ['-e', program, path, warmed.system.redis.url], { timeout: 30_000 });
  expect(said.toString()).toBe('FW_CATEGORY_UNKNOWN\n');
});

test('a description says what is live and who said so', async () => {
  const { client } = warmed.system;
  const pointer = await warmed.system.cache().pointer();
  const metadata = await warmed.system.cache().metadata();
  const known = {
    ...{ model: 'm', generation: warmed.generation, modelVersion: '2.1', outputs: ['prediction'] },
    axes: warmed.modelFile().axes,
  };
  expect(await warmed.predictor().describe('m')).toEqual({
    ...{ ...known, tier: 'redis', publishedAt: pointer?.publishedAt, lastUpdated: metadata?.last_updated },
  });
  await client.rename('forewarm:m:live', 'forewarm:m:elsewhere');
  expect(await warmed.predictor().describe('m')).toEqual({
    ...{ ...known, tier: 'postgres', publishedAt: expect.any(String), lastUpdated: undefined },
  });
  expect(await warmed.predictor({ postgres: undefined }).describe('m')).toEqual({
    ...{ ...known, tier: 'model', publishedAt: undefined, lastUpdated: undefined },
  });
  await client.rename('forewarm:m:elsewhere', 'forewarm:m:live');
});

test('a model that no tier knows is not warmed, and says who was asked', async () => {
  const reader = warmed.predictor();
  for (const call of [reader.describe('another'), reader.predict('another', FIRST, at), reader.row('another', FIRST)]) {
    await expect(call).rejects.toMatchObject({
      code: 'FW_NOT_WARMED',
      message: 'nothing is published for the model another (asked: redis, postgres)',
    });
  }
  expect(reader.models).toEqual(['m']);
});

test('a model that nobody has published is answered by its file', async () => {
  warmed.system.write('new.onnx', smallModel([FIRST]));
  const file = warmed.modelFile({ name: 'new', file: join(warmed.system.folder, 'new.onnx'), categories: [FIRST] });
  const reader = warmed.predictor({ models: [file] });
  expect(await reader.predict('new', FIRST, at)).toMatchObject({
    tier: 'model',
    values: { prediction: 12.75 },
    stale: false,
  });
  expect(await reader.describe('new')).toMatchObject({ tier: 'model', publishedAt: undefined });
});

test('many first calls at the same time look together for what is live', async () => {
  const before = await calls('mget');
  const reader = warmed.predictor();
  const first = categories.map((category) => reader.predict('m', category, at));
  for (const [i, { values }] of (await Promise.all(first)).entries()) {
    expect(values.prediction).toBe(warmed.expected(categories[i] ?? '', 3, 5));
  }
  expect((await calls('mget')) - before).toBeLessThanOrEqual(2);
  // A database that has few connections is asked once as well.
  const stored = warmed.predictor({ redis: undefined, models: undefined, limitsMs: {} });
  await Promise.all(Array.from({ length: 500 }, () => stored.describe('m')));
});

test('it needs a place to read from, and the URL of a Redis is enough', async () => {
  expect(() => new Predictor({})).toThrow(expect.objectContaining({ code: 'FW_CONFIG_INVALID' }));
  const reader = new Predictor({ redis: warmed.system.redis.url });
  try {
    const tiers = async () => (await reader.predict('m', FIRST, at)).tier;
    expect([await tiers(), await tiers()]).toEqual(['redis', 'memory']);
  } finally {
    await reader.close();
  }
});

test('what it was given stays open when it closes, and what it opened does not', async () => {
  const client = new Redis(warmed.system.redis.url);
  const pool = new Pool({ connectionString: warmed.system.postgresUrl, max: 1 });
  try {
    await client.client('SETNAME', 'given');
    const given = warmed.predictor({ redis: client, postgres: pool, memory: {} });
    await warmed.loseInRedis([SECOND]);
    expect(await given.predict('m', FIRST, at)).toMatchObject({ tier: 'redis' });
    expect(await given.predict('m', SECOND, at)).toMatchObject({ tier: 'postgres' });
    await Promise.all([given.close(), given.close()]);
    expect([await client.ping(), (await pool.query('SELECT 1')).rowCount]).toEqual(['PONG', 1]);
    // Its subscriber is gone with it.
    await eventually('one connection of that client', async () => {
      const list = String(await client.client('LIST'));
      return list.split('\n').filter((line) => line.includes('sub=1')).length === 0;
    });
  } finally {
    client.disconnect();
    await pool.end();
  }
});

test('a predictor that is closed answers nothing, not even from memory', async () => {
  const reader = warmed.predictor({ redis: warmed.system.client, memory: {} });
  await reader.predict('m', FIRST, at);
  await reader.close();
  const question = { model: 'm', category: FIRST, coordinates: at };
  for (const call of [
    ...[reader.predict('m', FIRST, at), reader.predict('m', SECOND, at), reader.row('m', FIRST)],
    ...[reader.rowBytes('m', FIRST), reader.describe('m'), reader.predictMany([question])],
  ]) {
    await expect(call).rejects.toMatchObject({ code: 'FW_READER_CLOSED' });
  }
});

test('calls that are under way when it closes end, well or not', async () => {
  await warmed.loseInRedis(categories.slice(0, 100));
  await warmed.loseInPostgres(categories.slice(0, 50));
  const reader = warmed.predictor();
  const asked = categories.map((category) => unanswered(reader.predict('m', category, at)));
  await reader.close();
  for (const outcome of await Promise.all(asked)) {
    if (outcome !== 'answered') expect(outcome).toMatchObject({ name: 'ForewarmError' });
  }
  // Before it has opened anything, too.
  const early = warmed.predictor();
  const call = unanswered(early.predict('m', FIRST, at));
  await early.close();
  expect(await call).toMatchObject({ name: 'ForewarmError' });
});
