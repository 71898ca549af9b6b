import { encodeRow, RowView } from '#shared/cache/row';
import { liveGeneration } from '#shared/tiers/live-generation';
import { PostgresTier } from '#shared/tiers/postgres-tier';
import { RedisTier } from '#shared/tiers/redis-tier';
import type { FoundRow, Tier } from '#shared/tiers/tier';
import { eventually, someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** A row that a tier does not have comes from the next one, whole, and is taken up. */

jest.setTimeout(90_000);

/** As many as a row has bytes, and some. */
const categories = someCategories(130);
const [FIRST = '', SECOND = '', THIRD = ''] = categories;
const at = { day: 3, hour: 5 };

let warmed: WarmedSystem;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.stop());
afterEach(() => warmed.restore());

const bitsOf = (values: Float32Array) => [...new Uint32Array(values.slice().buffer)];
const inRedis = (category: string) => warmed.system.client.getBuffer(warmed.key(category));
const inPostgres = async (category: string) =>
  (await warmed.system.durableRows(warmed.generation, [category])).get(category);
const indexed = async (category: string) => (await warmed.system.client.sismember(warmed.index, category)) === 1;

/** Until Redis has these bytes of a row, or any. */
function written(category: string, bytes?: Buffer): Promise<Buffer> {
  return eventually(`${category} in Redis`, async () => {
    const there = await inRedis(category);
    return there !== null && (bytes === undefined || there.equals(bytes)) && there;
  });
}

/** The daemon's row as if it had been computed at another time. */
function recomputed(category: string, laterMs: number): Buffer {
  const row = new RowView(warmed.bytesOf(category));
  return encodeRow(row, row.values, row.computedAtMs + laterMs);
}

test('a row that Redis has comes from there, and no other tier is asked', async () => {
  const reader = warmed.predictor();
  expect(await reader.predict('m', FIRST, at)).toMatchObject({
    values: { prediction: warmed.expected(FIRST, 3, 5) },
    tier: 'redis',
  });
  expect(reader.stats()).toMatchObject({ models: { m: { redis: { hit: 1, miss: 0 } } }, writtenBack: 0 });
  expect(Object.keys(reader.stats().models.m ?? {})).toEqual(['redis']);
});

test('a row that Redis lacks comes from PostgreSQL bit for bit, says so, and is in Redis a moment later', async () => {
  await warmed.loseInRedis([FIRST, SECOND]);
  const reader = warmed.predictor();
  const { axes, outputs, values, ageMs, ...provenance } = await reader.row('m', FIRST);
  expect(bitsOf(values)).toEqual(bitsOf(new RowView(warmed.bytesOf(FIRST)).values));
  expect([outputs, axes.map(({ name }) => name), ageMs >= 0]).toEqual([['prediction'], ['day', 'hour'], true]);
  expect(provenance).toEqual({
    ...{ tier: 'postgres', generation: warmed.generation, modelVersion: '2.1', stale: false },
    computedAt: new Date(warmed.computedAtMs(FIRST)).toISOString(),
  });
  expect((await reader.rowBytes('m', SECOND)).bytes.equals(warmed.bytesOf(SECOND))).toBe(true);
  for (const category of [FIRST, SECOND]) {
    await written(category, warmed.bytesOf(category));
    await eventually('its index entry', () => indexed(category));
  }
  expect(await reader.predict('m', FIRST, at)).toMatchObject({ tier: 'redis' });
  expect(reader.stats().models.m).toMatchObject({ redis: { hit: 1, miss: 2 }, postgres: { hit: 2 } });
});

test('a row that no store has is computed by the model, and is in memory and both stores a moment later', async () => {
  await warmed.loseInRedis([FIRST]);
  await warmed.loseInPostgres([FIRST]);
  const reader = warmed.predictor({ memory: {} });
  const began = Date.now();
  const { values, ...provenance } = await reader.row('m', FIRST);
  expect(bitsOf(values)).toEqual(bitsOf(new RowView(warmed.bytesOf(FIRST)).values));
  expect(provenance).toMatchObject({ tier: 'model', generation: warmed.generation, modelVersion: '2.1', stale: false });
  expect(Date.parse(provenance.computedAt)).toBeGreaterThanOrEqual(began - 1);
  const bytes = await written(FIRST);
  expect(bitsOf(new RowView(bytes).values)).toEqual(bitsOf(values));
  await eventually('its index entry', () => indexed(FIRST));
  await eventually('the row in PostgreSQL', async () => (await inPostgres(FIRST))?.equals(bytes));
  // And no trace of the way there.
  await eventually('no flight', async () => (await warmed.system.client.keys('*:flight:*')).length === 0);
  expect(await reader.predict('m', FIRST, at)).toMatchObject({
    values: { prediction: warmed.expected(FIRST, 3, 5) },
    tier: 'memory',
    computedAt: provenance.computedAt,
  });
});

test('200 who miss one row at the same time cost one inference and one question to each store', async () => {
  await warmed.loseInRedis([FIRST]);
  await warmed.loseInPostgres([FIRST]);
  const reader = warmed.predictor();
  const answers = await Promise.all(Array.from({ length: 200 }, () => reader.predict('m', FIRST, at)));
  expect(new Set(answers.map(({ computedAt, tier }) => `${tier} ${computedAt}`)).size).toBe(1);
  expect(reader.stats().models.m).toMatchObject({ redis: { miss: 1 }, postgres: { miss: 1 }, model: { hit: 1 } });
});

test('a reader that may not write takes nothing up', async () => {
  await warmed.loseInRedis([FIRST]);
  await warmed.loseInPostgres([FIRST]);
  const reader = warmed.predictor({ writeBack: false });
  expect(await reader.predict('m', FIRST, at)).toMatchObject({ tier: 'model' });
  await reader.close();
  expect([await inRedis(FIRST), await inPostgres(FIRST), reader.stats().writtenBack]).toEqual([null, undefined, 0]);
});

test('a row that is taken up never replaces one that the daemon wrote meanwhile, whoever is first', async () => {
  const { client } = warmed.system;
  for (let round = 0; round < 5; round++) {
    const newer = new Map(categories.map((category) => [category, recomputed(category, 1_000 + round)]));
    await warmed.loseInRedis(categories);
    const reader = warmed.predictor();
    await reader.describe('m');
    const reads = categories.map((category) => reader.predict('m', category, at));
    // Beside the reads, the answers, and what is written after them.
    const writes = [...newer].map(async ([category, bytes], i) => {
      for (let turns = 0; turns < i % 13; turns++) await client.ping();
      await client.set(warmed.key(category), bytes);
    });
    for (const [i, answer] of (await Promise.all(reads)).entries()) {
      expect(answer.values.prediction).toBe(warmed.expected(categories[i] ?? '', 3, 5));
    }
    await Promise.all(writes);
    // Closing waits for what is still to be written.
    await reader.close();
    const rows = await warmed.system.rows(warmed.generation, categories);
    const old = categories.filter((category) => !rows.get(category)?.equals(newer.get(category) ?? Buffer.alloc(0)));
    expect(old).toEqual([]);
  }
});

test.each([
  ['Redis', () => new RedisTier(warmed.system.client, 'forewarm')],
  ['PostgreSQL', () => new PostgresTier(warmed.system.pool, { keyPrefix: 'forewarm', limitMs: 10_000 })],
])('of two rows that are taken up %s keeps the newer one, in whatever order they come', async (_, make) => {
  const tier: Tier = make();
  const live = liveGeneration('forewarm', {
    ...{ model: 'm', generation: warmed.generation, modelVersion: '2.1', publishedAt: undefined },
    ...{ axes: warmed.modelFile().axes, outputs: ['prediction'] },
  });
  const found = (category: string, laterMs: number) => ({ category, row: new RowView(recomputed(category, laterMs)) });
  const fill = (...rows: FoundRow[]) => tier.fill?.(live, rows, []);
  await fill(found(FIRST, -2_000), found(SECOND, -1_000), found(THIRD, -1_000));
  await Promise.all([warmed.loseInRedis([FIRST, SECOND, THIRD]), warmed.loseInPostgres([FIRST, SECOND, THIRD])]);
  await fill(found(FIRST, -2_000), found(SECOND, -1_000), found(THIRD, -1_000));
  await fill(found(FIRST, -1_000), found(SECOND, -2_000), found(THIRD, -1_000));
  const rows = (await tier.read(live, [FIRST, SECOND, THIRD])).found;
  expect(rows.map(({ category, row }) => row.computedAtMs - warmed.computedAtMs(category))).toEqual(
    Array(3).fill(-1_000),
  );
  await tier.close();
});

test.each([1, 8, 128])(
  'a row of which any byte is damaged (by %d) is never answered: PostgreSQL has it, and Redis has it again',
  async (mask) => {
    const { client } = warmed.system;
    const reader = warmed.predictor();
    const bytes = warmed.bytesOf(FIRST).length;
    const damaged = categories.slice(0, bytes);
    for (const [i, category] of damaged.entries()) {
      const row = Buffer.from(warmed.bytesOf(category));
      row.writeUInt8(row.readUInt8(i) ^ mask, i);
      await client.set(warmed.key(category), row);
    }
    const rows = await Promise.all(damaged.map((category) => reader.row('m', category)));
    for (const [i, { values, tier }] of rows.entries()) {
      const right = new RowView(warmed.bytesOf(damaged[i] ?? '')).values;
      expect([tier, bitsOf(values)]).toEqual(['postgres', bitsOf(right)]);
    }
    for (const category of damaged) await written(category, warmed.bytesOf(category));
    expect(reader.stats().models.m).toMatchObject({ redis: { corrupt: bytes, hit: 0 }, postgres: { hit: bytes } });
  },
);

test('rows of another length, of another generation and of nothing at all are damaged too', async () => {
  const { client } = warmed.system;
  const whole = warmed.bytesOf(FIRST);
  const row = new RowView(whole);
  const bad = [
    ...[Buffer.alloc(0), whole.subarray(0, 31), whole.subarray(0, 127), Buffer.concat([whole, Buffer.alloc(4)])],
    encodeRow({ ...row, cells: 12, outputs: 2, identity: row.identity }, row.values, row.computedAtMs),
    encodeRow({ cells: 24, outputs: 1, identity: Buffer.alloc(8, 7) }, row.values, row.computedAtMs),
    encodeRow({ cells: 24, outputs: 1, identity: Buffer.alloc(8, 7) }, row.values, Date.now() + 1e9),
  ];
  const reader = warmed.predictor();
  for (const bytes of bad) {
    await client.set(warmed.key(FIRST), bytes);
    expect(await reader.predict('m', FIRST, at)).toMatchObject({
      values: { prediction: warmed.expected(FIRST, 3, 5) },
      tier: 'postgres',
    });
    await written(FIRST, whole);
  }
});

test('a row that both stores have damaged comes from the model, and is whole in both again', async () => {
  const { client, pool } = warmed.system;
  const bad = Buffer.from(warmed.bytesOf(FIRST));
  bad.writeUInt8(bad.readUInt8(50) ^ 4, 50);
  await client.set(warmed.key(FIRST), bad);
  await pool.query('UPDATE forewarm.row SET bytes = $1 WHERE category = $2', [bad, FIRST]);
  const reader = warmed.predictor();
  expect(await reader.predict('m', FIRST, at)).toMatchObject({
    values: { prediction: warmed.expected(FIRST, 3, 5) },
    tier: 'model',
  });
  const bytes = await eventually('a whole row', async () => {
    const there = await inRedis(FIRST);
    return there !== null && !there.equals(bad) && there;
  });
  expect(bitsOf(new RowView(bytes).values)).toEqual(bitsOf(new RowView(warmed.bytesOf(FIRST)).values));
  await eventually('the row in PostgreSQL', async () => (await inPostgres(FIRST))?.equals(bytes));
  expect(reader.stats().models.m).toMatchObject({ redis: { corrupt: 1 }, postgres: { corrupt: 1 }, model: { hit: 1 } });
});

test('a row that says it was computed after the end of time is answered', async () => {
  const row = new RowView(warmed.bytesOf(FIRST));
  await warmed.system.client.set(warmed.key(FIRST), encodeRow(row, row.values, Number.MAX_SAFE_INTEGER));
  const reader = warmed.predictor({ memory: {} });
  for (const tier of ['redis', 'memory']) {
    expect(await reader.predict('m', FIRST, at)).toMatchObject({
      tier,
      ageMs: 0,
      computedAt: '+275760-09-13T00:00:00.000Z',
    });
  }
});
