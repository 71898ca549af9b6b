import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Predictor } from '#shared/predictor/predictor';
import { CheckedLoad } from '../support/checked-load';
import { FaultyProxy } from '../support/servers/proxy';
import { eventually, smallModel, someCategories } from '../support/system';
import { WarmedSystem } from '../support/warmed-system';

/** Readers with no store, and then with nothing at all: they answer as long as anything can, and say in time that nothing can. */

jest.setTimeout(90_000);

const categories = someCategories(30);
const [FIRST = '', SECOND = ''] = categories;
const at = { day: 3, hour: 5 };
const DEADLINE_MS = 8_000;
/** For machines that are held up. */
const SLACK_MS = 1_000;

let warmed: WarmedSystem;
let redis: FaultyProxy;
let postgres: FaultyProxy;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
  [redis, postgres] = await Promise.all([
    FaultyProxy.to(warmed.system.redis.url),
    FaultyProxy.to(warmed.system.postgresUrl),
  ]);
});
afterAll(async () => {
  await Promise.all([redis.close(), postgres.close()]);
  await warmed.stop();
});
afterEach(async () => {
  await heal();
  await warmed.closePredictors();
});

const heal = () => Promise.all([redis.heal(), postgres.heal()]);

function open(more: Parameters<WarmedSystem['predictor']>[0] = {}): Predictor {
  const limits = { limitsMs: { model: 6_000 }, deadlineMs: DEADLINE_MS };
  return warmed.predictor({ redis: redis.url, postgres: postgres.url, ...limits, ...more });
}

type Fault = 'cut' | 'reset' | 'freeze';
async function breakBoth(how: Fault): Promise<void> {
  await Promise.all([redis[how](), postgres[how]()]);
}

/** What a call rejects with, and how long it took. */
async function refusal(call: Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const began = performance.now();
  const error = await call.then(
    (answer) => answer,
    (thrown: unknown) => thrown,
  );
  return { error, tookMs: performance.now() - began };
}

test.each<Fault>(['cut', 'reset', 'freeze'])('with both stores away the model answers (%s)', async (fault) => {
  const load = new CheckedLoad(open(), categories);
  await load.more('redis');
  await breakBoth(fault);
  await load.more('model', 200);
  await load.goOn(700);
  await heal();
  await load.more('redis');
  await load.stop();
  expect([load.wrong, [...load.refused]]).toEqual([[], []]);
  expect(load.slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
});

test('a reader that begins with both stores away answers by the model, and from Redis when that is back', async () => {
  await breakBoth('cut');
  const load = new CheckedLoad(open(), categories);
  await load.more('model', 50);
  await heal();
  await load.more('redis', 50);
  await load.stop();
  expect([load.wrong, [...load.refused]]).toEqual([[], []]);
});

describe('with the model file gone as well', () => {
  let away: string;
  let file: string;

  beforeAll(() => {
    file = join(warmed.system.folder, 'm.onnx');
    away = join(warmed.system.folder, 'away.onnx');
  });
  beforeEach(() => renameSync(file, away));
  afterEach(() => renameSync(away, file));

  test('a row that both stores have is answered', async () => {
    expect(await open().predict('m', FIRST, at)).toMatchObject({ tier: 'redis' });
    await warmed.loseInRedis([SECOND]);
    expect(await open({ writeBack: false }).predict('m', SECOND, at)).toMatchObject({ tier: 'postgres' });
    await warmed.restore();
  });

  test('one that no store has is refused with what each tier said', async () => {
    await warmed.loseInRedis([FIRST]);
    await warmed.loseInPostgres([FIRST]);
    const { error } = await refusal(open().predict('m', FIRST, at));
    expect(error).toMatchObject({
      code: 'FW_READ_FAILED',
      message: expect.stringMatching(/redis: has no such row; postgres: has no such row; model: .*m\.onnx/),
      details: { tiers: { redis: 'miss', postgres: 'miss', model: 'FW_MODEL_FILE_MISSING' } },
    });
    await warmed.restore();
  });

  test.each<Fault>(['cut', 'reset', 'freeze'])('nothing answers, and each call says so in time (%s)', async (fault) => {
    const reader = open();
    await reader.describe('m');
    await breakBoth(fault);
    // Before and after the tiers are left alone.
    for (let round = 0; round < 12; round++) {
      const { error, tookMs } = await refusal(reader.predict('m', FIRST, at));
      expect(error).toMatchObject({
        code: 'FW_READ_FAILED',
        message: expect.stringMatching(/^no tier could answer for .*: redis: .+; postgres: .+; model: .+/),
        details: { category: FIRST, tiers: { redis: expect.any(String), postgres: expect.any(String) } },
      });
      expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
    }
    const [outcome] = await reader.predictMany([{ model: 'm', category: SECOND, coordinates: at }]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'FW_READ_FAILED' } });
    expect(reader.stats().failedCalls).toBe(13);
    await heal();
    await eventually('an answer', () =>
      reader.predict('m', FIRST, at).then(
        ({ tier }) => tier === 'redis',
        () => false,
      ),
    );
  });

  test('a model that was never asked for cannot be learned of, and that says who was asked', async () => {
    await breakBoth('cut');
    const { error, tookMs } = await refusal(open().predict('m', FIRST, at));
    expect(error).toMatchObject({
      code: 'FW_READ_FAILED',
      message: expect.stringMatching(/^nothing can be learned of the model m: redis: .+; postgres: .+; model: .+/),
    });
    expect(tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  test.each<Fault>(['cut', 'freeze'])('a row in memory is answered, however old it is (%s)', async (fault) => {
    const reader = open({ memory: { maxAgeMs: 1 } });
    await reader.predict('m', FIRST, at);
    await breakBoth(fault);
    for (let round = 0; round < 8; round++) {
      const began = performance.now();
      const [one, row, many] = await Promise.all([
        reader.predict('m', FIRST, at),
        reader.row('m', FIRST),
        reader.predictMany([FIRST, SECOND].map((category) => ({ model: 'm', category, coordinates: at }))),
      ]);
      expect(performance.now() - began).toBeLessThan(DEADLINE_MS + SLACK_MS);
      expect(one).toMatchObject({ tier: 'memory', values: { prediction: warmed.expected(FIRST, 3, 5) } });
      expect([row.tier, row.values[23]]).toEqual(['memory', warmed.expected(FIRST, 3, 5)]);
      expect(many).toMatchObject([
        { status: 'fulfilled', value: { tier: 'memory' } },
        { status: 'rejected', reason: { code: 'FW_READ_FAILED' } },
      ]);
    }
  });
});

test('a model that does not come to an end costs a call its limit, and is there again when it was killed', async () => {
  const slow = { iterations: 1e9, when: { input: 'category', equals: SECOND } };
  warmed.system.write('slow.onnx', smallModel(categories, { slow }));
  const files = [warmed.modelFile({ name: 's', file: join(warmed.system.folder, 'slow.onnx'), categories: [FIRST] })];
  const limits = { limitsMs: { model: 3_000 }, taskLimitMs: 4_000 };
  const reader = open({ models: files, ...limits, writeBack: false });
  expect(await reader.predict('s', FIRST, at)).toMatchObject({ tier: 'model' });
  const { error, tookMs } = await refusal(reader.predict('s', SECOND, at));
  expect(error).toMatchObject({ code: 'FW_READ_FAILED', details: { tiers: { model: 'FW_TIER_TIME_LIMIT' } } });
  expect(tookMs).toBeLessThan(3_000 + SLACK_MS);
  await eventually('an answer', () =>
    reader.predict('s', FIRST, at).then(
      ({ tier }) => tier === 'model',
      () => false,
    ),
  );
});
