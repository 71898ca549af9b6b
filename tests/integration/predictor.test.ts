import { parseEvent } from '#shared/cache/events';
import { coordinatesOf } from '#shared/cache/grid';
import { decodeRow, encodeRow } from '#shared/cache/row';
import type { Answer, RowAnswer } from '#shared/predictor/answers';
import { Predictor } from '#shared/predictor/predictor';
import { eventually, someCategories, TestSystem } from '../support/system';

/** The reader of the public format on a Redis that a real daemon has filled. */

jest.setTimeout(60_000);

const categories = someCategories(4);
const [FIRST = '', SECOND = '', THIRD = ''] = categories;
const STALE_AFTER_MS = 60_000;

let system: TestSystem;
let now = 0;
let reader: Predictor;
let generation: string;
/** The daemon's own bytes of each row. */
let rows: Map<string, Buffer>;

beforeAll(async () => {
  system = await TestSystem.start();
  system.configureSmall(categories, { every: '1h', version: '2.1' });
  const daemon = system.daemon();
  generation = String((await daemon.cycle()).live);
  // What stays is the cache: nobody heals it.
  await daemon.stop();
  rows = await system.rows(generation, categories);
  reader = open();
});
afterAll(async () => {
  await reader.close();
  await system.stop();
});
afterEach(async () => {
  for (const [category, bytes] of rows) await system.client.set(key(category), bytes);
});

function open(): Predictor {
  return new Predictor({
    redis: system.client,
    memory: false,
    limitsMs: { redis: 10_000 },
    staleAfterMs: STALE_AFTER_MS,
    clock: { now: () => now },
  });
}

test('answers have the value of their cell and say where it comes from', async () => {
  const computedAt = computedAtOf(FIRST);
  now = computedAt + 1_500;
  for (const [day, hour] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [3, 5],
  ] as const) {
    expect(await reader.predict('m', SECOND, { day, hour })).toEqual({
      values: { prediction: 0.5 * day + 0.25 * hour + 20 },
      tier: 'redis',
      generation,
      modelVersion: '2.1',
      computedAt: new Date(computedAtOf(SECOND)).toISOString(),
      ageMs: now - computedAtOf(SECOND),
      stale: false,
    } satisfies Answer);
  }
  // As from a query string.
  expect((await reader.predict('m', FIRST, { day: '3', hour: '5' })).values).toEqual({ prediction: 12.75 });
});

test('a row is every prediction of its category, with the same provenance', async () => {
  now = computedAtOf(THIRD) + 2_000;
  const { axes, outputs, values, ...provenance } = await reader.row('m', THIRD);
  expect([axes, outputs, values.length]).toEqual([
    [
      { name: 'day', values: [0, 1, 2, 3] },
      { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
    ],
    ['prediction'],
    24,
  ]);
  for (const [cell, value] of values.entries()) {
    const [day = 0, hour = 0] = coordinatesOf(axes, cell);
    const answer = await reader.predict('m', THIRD, { day, hour });
    expect({ values: { prediction: value }, ...provenance }).toEqual(answer);
  }
});

test('an answer is stale when its row was neither computed nor verified for too long', async () => {
  // A new reader each time: what is live is asked for twice a second, and the clock stands still.
  const ask = async () => {
    const asking = open();
    return asking.predict('m', FIRST, { day: 0, hour: 0 }).finally(() => asking.close());
  };
  const metadataKey = system.cache().keys.metadata;
  const text = (await system.client.get(metadataKey)) ?? '';
  const setVerified = (at: number) =>
    system.client.set(metadataKey, JSON.stringify({ ...JSON.parse(text), last_updated: new Date(at).toISOString() }));
  const computedAt = computedAtOf(FIRST);

  await setVerified(computedAt);
  now = computedAt + STALE_AFTER_MS;
  expect(await ask()).toMatchObject({ ageMs: STALE_AFTER_MS, stale: false });
  now += 1;
  expect(await ask()).toMatchObject({ ageMs: STALE_AFTER_MS + 1, stale: true });
  await setVerified(computedAt + 30_000);
  expect(await ask()).toMatchObject({ ageMs: STALE_AFTER_MS + 1, stale: false });
  now = computedAt + 30_000 + STALE_AFTER_MS + 1;
  expect(await ask()).toMatchObject({ stale: true });
  // Without metadata the row speaks for itself; a clock that is behind gives no negative age.
  await system.client.del(metadataKey);
  expect(await ask()).toMatchObject({ stale: true });
  now = computedAt - 5_000;
  expect(await ask()).toMatchObject({ ageMs: 0, stale: false });
  await system.client.set(metadataKey, text);
});

test.each<[string, (row: Buffer) => Buffer]>([
  ['checksum', (row) => changed(row, 40)],
  ['magic', (row) => changed(row, 0)],
  ['length', (row) => row.subarray(0, 100)],
  ['identity', (row) => recoded(row, { identity: Buffer.alloc(8, 7) })],
  ['length', (row) => recoded(row, { cells: 23 })],
])('a row with a wrong %s is never returned: it is an error, and the daemon is told', async (fault, damage) => {
  await system.client.set(key(THIRD), damage(rows.get(THIRD) ?? Buffer.alloc(0)));
  for (const read of reads(THIRD)) {
    const { error, events } = await whileListening(read);
    expect(error).toMatchObject({ code: 'FW_ROW_CORRUPT', message: expect.stringContaining(`wrong ${fault}`) });
    expect(events).toEqual([{ type: 'missing', generation, categories: [THIRD] }]);
  }
  // Its neighbours are as good as before.
  expect((await reader.predict('m', SECOND, { day: 0, hour: 0 })).values).toEqual({ prediction: 20 });
});

test('a row that should be there and is not is told to the daemon; a category that nobody knows is not', async () => {
  await system.client.del(key(THIRD));
  for (const read of reads(THIRD)) {
    const lost = await whileListening(read);
    expect(lost.error).toMatchObject({
      code: 'FW_CATEGORY_UNKNOWN',
      message: expect.stringContaining('asked to heal'),
    });
    expect(lost.events).toEqual([{ type: 'missing', generation, categories: [THIRD] }]);
  }
  for (const read of reads('nobody')) {
    const unknown = await whileListening(read);
    expect(unknown.error).toMatchObject({ code: 'FW_CATEGORY_UNKNOWN' });
    expect(unknown.events).toEqual([]);
  }
});

test.each([
  [{ day: 4, hour: 0 }, 'FW_CELL_UNKNOWN', /day=4 is not on the axis; it has 0, 1, 2, 3$/],
  [{ day: 0 }, 'FW_CELL_UNKNOWN', /axis hour is not given/],
  [{ day: 0, hour: 0, minute: 1 }, 'FW_CELL_UNKNOWN', /no axis is named minute/],
])('coordinates %j are refused', async (coordinates, code, message) => {
  await expect(reader.predict('m', FIRST, coordinates as Record<string, number>)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

test('a model that has published nothing is not warmed, also when its pointer is not understood', async () => {
  await system.client.set('forewarm:strange:live', '{"format":2}');
  for (const read of [...reads(FIRST, 'other'), ...reads(FIRST, 'strange')]) {
    await expect(read()).rejects.toMatchObject({ code: 'FW_NOT_WARMED' });
  }
});

/** Both ways to read a category: what holds for one holds for the other. */
function reads(category: string, model = 'm'): ((by?: Predictor) => Promise<Answer | RowAnswer>)[] {
  return [(by = reader) => by.predict(model, category, { day: 0, hour: 0 }), (by = reader) => by.row(model, category)];
}

const key = (category: string) => system.cache().keys.row(generation, category);

function computedAtOf(category: string): number {
  const decoded = decodeRow(rows.get(category) ?? Buffer.alloc(0));
  return decoded.ok ? decoded.row.computedAtMs : Number.NaN;
}

function changed(row: Buffer, at: number): Buffer {
  const copy = Buffer.from(row);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

/** A row that is whole in itself, but not what belongs there. */
function recoded(row: Buffer, more: { identity?: Buffer; cells?: number }): Buffer {
  const decoded = decodeRow(row);
  if (!decoded.ok) throw new Error(decoded.fault);
  const { cells, outputs, identity, values, computedAtMs } = { ...decoded.row, ...more };
  return encodeRow({ cells, outputs, identity }, values.subarray(0, cells), computedAtMs);
}

/** What the call of a new reader threw, and the events that came until that had closed. */
async function whileListening(
  call: (by: Predictor) => Promise<unknown>,
): Promise<{ error: unknown; events: unknown[] }> {
  const listener = system.client.duplicate();
  const heard: string[] = [];
  listener.on('message', (_channel, message: string) => heard.push(message));
  await listener.subscribe('forewarm:m:events');
  const asking = open();
  const error = await call(asking).catch((thrown: unknown) => thrown);
  await asking.close();
  // Messages come in their order: after this one there are no more.
  await system.client.publish('forewarm:m:events', 'end');
  await eventually('the end', () => heard.includes('end'));
  listener.disconnect();
  return { error, events: heard.slice(0, -1).map(parseEvent) };
}
