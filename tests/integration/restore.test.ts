import { decodeRow, encodeRow } from '#shared/cache/row';
import { someCategories, TestSystem } from '../support/system';

/** A cache that was lost while no daemon ran is restored from PostgreSQL, not computed. */

jest.setTimeout(90_000);

const HOUR_MS = 3_600_000;
const categories = someCategories(70);

let system: TestSystem;
let generation: string;
let before: Map<string, Buffer>;

/** Warm, stopped, and with an empty Redis. */
beforeEach(async () => {
  system = await TestSystem.start();
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  generation = String((await daemon.cycle()).live);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  before = await system.rows(generation, categories);
  expect(before.size).toBe(70);
  await system.client.flushall();
});
afterEach(() => system.stop());

test('all rows come back with the bytes that they had, and nothing is computed', async () => {
  const daemon = system.daemon();
  expect(await daemon.cycle()).toMatchObject({
    ...{ trigger: 'startup', live: generation, rows: 70, computed: 0, restored: 70, durable: 70 },
  });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  expect(await changed()).toEqual([]);
  const [, last] = await system.history();
  expect(last).toMatchObject({ trigger: 'startup', state: 'complete', expected: 70, restored: 70, computed: 0 });
});

test('rows that PostgreSQL has lost or holds damaged are computed, and only those', async () => {
  const [lost = '', damaged = '', cut = '', ofOther = ''] = categories;
  const set = 'UPDATE forewarm.row SET bytes = $2 WHERE category = $1';
  await system.pool.query('DELETE FROM forewarm.row WHERE category = $1', [lost]);
  const flipped = Buffer.from(before.get(damaged) ?? '');
  flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
  await system.pool.query(set, [damaged, flipped]);
  await system.pool.query(set, [cut, before.get(cut)?.subarray(0, 60)]);
  const strange = Buffer.from(before.get(ofOther) ?? '');
  strange.fill(0xab, 20, 28);
  await system.pool.query(set, [ofOther, strange]);

  const daemon = system.daemon();
  expect(await daemon.cycle()).toMatchObject({ rows: 70, computed: 4, restored: 66, durable: 70 });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  // New ones differ in the time of computing.
  expect(await changed()).toEqual([lost, damaged, cut, ofOther]);
  const rows = await system.rows(generation, categories);
  const durable = await system.durableRows(generation, categories);
  for (const category of categories) {
    expect(rows.get(category)?.subarray(32)).toEqual(before.get(category)?.subarray(32));
    expect(durable.get(category)).toEqual(rows.get(category));
  }
});

test('with expireAfter, a copy that is older than that is computed; one that is restored lives on as if it were new', async () => {
  system.configureSmall(categories, { every: '1h', expireAfter: '4h' });
  const [old = '', young = ''] = categories;
  await store(old, 4 * HOUR_MS);
  await store(young, 3.9 * HOUR_MS);
  const daemon = system.daemon();
  expect(await daemon.cycle()).toMatchObject({ rows: 70, computed: 1, restored: 69, durable: 70 });
  const { keys } = system.cache();
  for (const category of categories) {
    const lives = await system.client.pttl(keys.row(generation, category));
    expect(lives).toBeGreaterThan(3.9 * HOUR_MS);
    expect(lives).toBeLessThanOrEqual(4 * HOUR_MS);
  }
});

test('rows that the cache still has are left alone at a start', async () => {
  const { keys } = system.cache();
  const { client } = system;
  // The pointer is lost, the rows are not.
  for (const category of categories.slice(10)) {
    await client.set(keys.row(generation, category), before.get(category) ?? '');
    await client.sadd(keys.index(generation), category);
  }
  const daemon = system.daemon();
  expect(await daemon.cycle()).toMatchObject({ rows: 70, computed: 0, restored: 10, verified: 60 });
  expect(await changed()).toEqual([]);

  // And with pointer and all, there is nothing to do.
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  const next = system.daemon();
  await next.logged(({ message }) => message === 'forewarm is running');
  expect(await next.stop()).toEqual({ code: 0, signal: null });
  expect(await system.history()).toHaveLength(2);
});

/** Makes a durable row so much older. */
async function store(category: string, ageMs: number): Promise<void> {
  const decoded = decodeRow(before.get(category) ?? Buffer.alloc(0));
  if (!decoded.ok) throw new Error(decoded.fault);
  const { row } = decoded;
  const bytes = encodeRow(row, row.values, Date.now() - ageMs);
  await system.pool.query('UPDATE forewarm.row SET bytes = $2 WHERE category = $1', [category, bytes]);
}

async function changed(): Promise<string[]> {
  const after = await system.rows(generation, categories);
  return categories.filter((category) => !after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0)));
}
