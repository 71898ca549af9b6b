import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { encodeRow, RowView } from '#shared/cache/row';
import { writeRows } from '#shared/cache/row-writer';
import type { Predictor } from '#shared/predictor/predictor';
import { FaultyProxy } from '../../support/servers/proxy';
import { eventually, someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** Rows in memory are those that the stores have: what changes there is followed. */

jest.setTimeout(90_000);

const categories = someCategories(20);
const [FIRST = '', SECOND = ''] = categories;
const at = { day: 3, hour: 5 };
const HOUR_MS = 3_600_000;
/** Another generation of the same model. */
const NEXT = 'cccccccccccc';

let warmed: WarmedSystem;
const proxies: FaultyProxy[] = [];

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.stop());
afterEach(async () => {
  await warmed.restore();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

/** The daemon's row with all values changed by `more`, as if it had been computed later. */
function newer(category: string, laterMs: number, more = 0): Buffer {
  const row = new RowView(warmed.bytesOf(category));
  return encodeRow(
    row,
    row.values.map((value) => value + more),
    row.computedAtMs + laterMs,
  );
}

/** Writes rows as the daemon does, with the event. */
async function write(...rows: (readonly [string, Buffer])[]): Promise<void> {
  const { client } = warmed.system;
  const { keys } = warmed.system.cache();
  const stored = rows.map(([category, bytes]) => ({ category, bytes, inputs: undefined }));
  await writeRows(client, keys, warmed.generation, stored, undefined);
}

const later = (category: string, { computedAt }: { computedAt: string }) =>
  Date.parse(computedAt) - warmed.computedAtMs(category);

/** A reader with rows that stay for an hour, if nobody says that they have changed. */
const holding = (more: Parameters<WarmedSystem['predictor']>[0] = {}) =>
  warmed.predictor({ memory: { maxAgeMs: HOUR_MS }, ...more });

/** A client whose subscribers go another way, which a test can cut. */
async function splitClient(): Promise<{ client: Redis; proxy: FaultyProxy }> {
  const proxy = await FaultyProxy.to(warmed.system.redis.url);
  proxies.push(proxy);
  const client = new Redis(warmed.system.redis.url);
  client.duplicate = () => {
    const subscriber = new Redis(proxy.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    subscriber.on('error', () => undefined);
    return subscriber;
  };
  await once(client, 'ready');
  return { client, proxy };
}

/** PostgreSQL answers for no row until what this returns is called. */
async function lockRows(): Promise<() => Promise<void>> {
  const client = await warmed.system.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE forewarm.row IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

/** Until the channel of the model has a listener. */
const listening = (count = 1) =>
  eventually('a listener', async () => {
    const [, listeners] = (await warmed.system.client.pubsub('NUMSUB', 'forewarm:m:events')) as [string, number];
    return listeners >= count;
  });

/** Makes another generation live, whose rows have one more in every cell; `back` makes the first one live again. */
async function publish(generation: string, axes = warmed.modelFile().axes): Promise<void> {
  const cache = warmed.system.cache();
  const [pointer, metadata] = [await cache.pointer(), await cache.metadata()];
  if (pointer === undefined || metadata === undefined) throw new Error('nothing is published');
  const published = {
    generation,
    axes: axes as typeof pointer.axes,
    modelVersion: generation === NEXT ? 'next' : '2.1',
  };
  const next = { ...pointer, ...published, previous: pointer.generation };
  expect(await cache.publish(next, { ...metadata, generation }, pointer.generation)).toBe(true);
}

async function storeNext(): Promise<void> {
  const rows = categories.map((category): [string, Buffer] => {
    const row = new RowView(warmed.bytesOf(category));
    const identity = Buffer.from(`${NEXT}0000`, 'hex');
    const bytes = encodeRow(
      { cells: row.cells, outputs: row.outputs, identity },
      row.values.map((value) => value + 1),
      5,
    );
    return [warmed.system.cache().keys.row(NEXT, category), bytes];
  });
  await warmed.system.client.mset(...rows.flat());
}

test('a row that was read is answered from memory, and one of which an event tells is read again', async () => {
  const reader = holding();
  const tier = async (category: string) => (await reader.predict('m', category, at)).tier;
  for (const category of [FIRST, SECOND]) await tier(category);
  await listening();
  expect([await tier(FIRST), await tier(SECOND)]).toEqual(['memory', 'memory']);
  await write([FIRST, newer(FIRST, 1, 1)]);
  const answer = await eventually('the new row', async () => {
    const one = await reader.predict('m', FIRST, at);
    return later(FIRST, one) === 1 && one;
  });
  expect(answer.values.prediction).toBe(warmed.expected(FIRST, 3, 5) + 1);
  expect([await tier(FIRST), await tier(SECOND)]).toEqual(['memory', 'memory']);
});

test('while a writer replaces rows again and again nobody is answered an older one than before', async () => {
  const readers = [holding(), holding(), warmed.predictor()];
  for (const reader of readers) await reader.predict('m', FIRST, at);
  await listening(2);
  let writing = true;
  const reading = readers.map(async (reader) => {
    let last = 0;
    const seen = new Set<number>();
    for (const wrong: string[] = []; ; ) {
      // Some of them by another way.
      const one = seen.size % 3 === 0 ? await reader.row('m', FIRST) : await reader.predict('m', FIRST, at);
      const is = later(FIRST, one);
      if (is < last) wrong.push(`${is} after ${last}`);
      last = is;
      seen.add(is);
      if (!writing) return { wrong, seen: seen.size };
      await new Promise(setImmediate);
    }
  });
  for (let i = 1; i <= 300; i++) await write([FIRST, newer(FIRST, i, i)]);
  writing = false;
  for (const { wrong, seen } of await Promise.all(reading)) {
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(3);
  }
  for (const reader of readers) {
    await eventually('the last row', async () => later(FIRST, await reader.predict('m', FIRST, at)) === 300);
  }
});

test('an event that was missed costs a row its age, and no more', async () => {
  const { client, proxy } = await splitClient();
  let now = Date.now();
  const reader = warmed.predictor({ redis: client, memory: { maxAgeMs: 700 }, clock: { now: () => now } });
  await reader.predict('m', FIRST, at);
  await listening();
  await proxy.cut();
  await write([FIRST, newer(FIRST, 1)]);
  now += 699;
  expect(await reader.predict('m', FIRST, at)).toMatchObject({ tier: 'memory' });
  now += 1;
  const answer = await reader.predict('m', FIRST, at);
  expect([answer.tier, later(FIRST, answer)]).toEqual(['redis', 1]);
  // A clock that was set back makes nothing younger.
  now -= 60_000;
  expect(await reader.predict('m', FIRST, at)).toMatchObject({ tier: 'redis' });
  // When the way is there again, events are heard without anybody's doing.
  await proxy.heal();
  await listening();
  await write([FIRST, newer(FIRST, 2)]);
  await eventually('the next row', async () => later(FIRST, await reader.predict('m', FIRST, at)) === 2);
  await reader.close();
  client.disconnect();
});

describe('another generation', () => {
  beforeEach(storeNext);
  afterEach(async () => {
    await publish(warmed.generation);
    const names = await warmed.system.client.keys(`forewarm:m:${NEXT}:*`);
    if (names.length > 0) await warmed.system.client.del(...names);
  });

  /** How long it took until a reader that is asked all the time answers from a generation. */
  async function switched(reader: Predictor, generation: string): Promise<number> {
    const began = performance.now();
    for (;;) {
      const answer = await reader.predict('m', FIRST, at);
      if (answer.generation === generation) return performance.now() - began;
      await new Promise(setImmediate);
    }
  }

  test('is followed by the event alone, within 50 ms where the machine is not held up', async () => {
    // A clock that stands still: nothing grows old, and nobody looks for that.
    const now = Date.now();
    const reader = holding({ clock: { now: () => now } });
    for (const category of categories) await reader.predict('m', category, at);
    await listening();
    const took: number[] = [];
    for (let i = 0; i < 10; i++) {
      const [generation, more] = i % 2 === 0 ? [NEXT, 1] : [warmed.generation, 0];
      await publish(generation);
      took.push(await switched(reader, generation));
      for (const category of categories) {
        expect(await reader.predict('m', category, at)).toMatchObject({
          generation,
          modelVersion: i % 2 === 0 ? 'next' : '2.1',
          values: { prediction: warmed.expected(category, 3, 5) + more },
        });
      }
    }
    expect(Math.min(...took)).toBeLessThan(50);
    // Nothing of the one before is kept.
    expect(reader.stats().memory.rows).toBe(categories.length);
  });

  test.each(['cut', 'freeze'] as const)('is followed within a second when events do not come (%s)', async (fault) => {
    const { client, proxy } = await splitClient();
    const reader = holding({ redis: client });
    for (const category of categories) await reader.predict('m', category, at);
    await listening();
    await proxy[fault]();
    await publish(NEXT);
    // One that is not asked meanwhile looks before it answers.
    expect(await switched(reader, NEXT)).toBeLessThan(1_500);
    expect((await reader.predict('m', SECOND, at)).values.prediction).toBe(warmed.expected(SECOND, 3, 5) + 1);
    await reader.close();
    client.disconnect();
    await proxy.heal();
  });

  test('that comes while rows are on their way changes nothing of those: they keep their cells', async () => {
    const [day, hour] = warmed.modelFile().axes;
    await warmed.loseInRedis([FIRST, SECOND]);
    const reader = holding();
    await reader.predict('m', categories[2] ?? '', at);
    await listening();
    const unlock = await lockRows();
    const one = reader.predict('m', FIRST, { day: 2, hour: 1 });
    const all = reader.row('m', FIRST);
    const many = reader.predictMany([{ model: 'm', category: SECOND, coordinates: { day: 2, hour: 1 } }]);
    // The other way round, and no row of it.
    await warmed.system.client.del(...categories.map((category) => warmed.system.cache().keys.row(NEXT, category)));
    await publish(
      NEXT,
      [hour, day].flatMap((axis) => axis ?? []),
    );
    await eventually('the other generation', async () => (await reader.describe('m')).generation === NEXT).finally(
      unlock,
    );
    const { generation } = warmed;
    expect(await one).toMatchObject({
      generation,
      values: { prediction: warmed.expected(FIRST, 2, 1) },
      tier: 'postgres',
    });
    expect(await all).toMatchObject({ generation, axes: [{ name: 'day' }, { name: 'hour' }] });
    expect(await many).toMatchObject([
      { value: { generation, values: { prediction: warmed.expected(SECOND, 2, 1) } } },
    ]);
    // And none of them is held as a row of the new one.
    expect(reader.stats().memory.rows).toBe(1);
  });
});

test('a row that came while others were on their way is read anew', async () => {
  await warmed.loseInRedis([SECOND]);
  const reader = warmed.predictor();
  await reader.describe('m');
  const unlock = await lockRows();
  const many = reader.predictMany([FIRST, SECOND].map((category) => ({ model: 'm', category, coordinates: at })));
  await eventually('the first row', () => (reader.stats().models.m?.redis?.hit ?? 0) > 0);
  await write([FIRST, newer(FIRST, 1)]);
  const again = await reader.predict('m', FIRST, at).finally(unlock);
  expect(later(FIRST, again)).toBe(1);
  expect((await many).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
});

test('a million rows take no more memory than they may', () => {
  const program = `const [dist, maxBytes] = process.argv.slice(1);
    const { HeldRows } = require(dist + '/predictor/held-rows');
    const { liveGeneration } = require(dist + '/tiers/live-generation');
    const { encodeRow, RowView } = require(dist + '/cache/row');
    const axes = [{ name: 'x', values: [0] }];
    const facts = { model: 'm', generation: 'aaaaaaaaaaaa', modelVersion: '1', axes, outputs: ['y'] };
    const live = liveGeneration('p', facts);
    const rows = new HeldRows({ maxBytes: Number(maxBytes) }, { now: Date.now });
    const used = () => {
      global.gc();
      const { heapUsed, external, rss } = process.memoryUsage();
      return { engine: heapUsed + external, rss };
    };
    const before = used();
    const identity = Buffer.alloc(8, 0xaa);
    let most = 0;
    for (let i = 0; i < 1000000; i++) {
      const row = new RowView(encodeRow({ cells: 1, outputs: 1, identity }, Float32Array.of(i), i));
      rows.hold(live, { category: 'category ' + i, row }, i % 10 !== 0);
      if (rows.size.bytes > most) most = rows.size.bytes;
    }
    const after = used();
    console.log(JSON.stringify({ ...rows.size, most, engine: after.engine - before.engine, rss: after.rss - before.rss }));`;
  const maxBytes = 16 * 1024 * 1024;
  const args = ['--expose-gc', '-e', program, join(__dirname, '../../../dist/shared'), String(maxBytes)];
  const said = JSON.parse(execFileSync(process.execPath, args, { timeout: 80_000 }).toString());
  expect(said.most).toBeLessThanOrEqual(maxBytes);
  expect(said.bytes).toBeGreaterThan(0.9 * maxBytes);
  expect(said.engine).toBeLessThan(maxBytes);
  // Beside the rows there is what the engine has not given back yet.
  expect(said.rss).toBeLessThan(16 * maxBytes);
});
