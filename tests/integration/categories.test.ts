import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusals } from '../support/alerts';
import { runCommand } from '../support/daemon-process';
import { eventually, SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';
import { ask } from './http-api/client';

/** Categories in a file that changes while a daemon runs: they come and go, and a list that is wrong takes nothing away. */

jest.setTimeout(90_000);

const categories = someCategories(12);
let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  system.write('m.onnx', smallModel(categories));
});
afterEach(() => system.stop());

const list = (some: readonly string[]) =>
  system.write('list.csv', `sku,note\n${some.map((name) => `"${name}",x\n`).join('')}`);

function configuration(more: object = {}, settings: object = {}): void {
  const source = { file: 'list.csv', column: 'sku' };
  system.configure(
    { m: { file: 'm.onnx', axes: SMALL_AXES, categories: source, every: '1s', ...more } },
    settings as Record<string, unknown>,
  );
}

function configure(more: object = {}, settings: object = {}) {
  configuration(more, settings);
  return system.daemon();
}

const alerts = () => refusals(system.pool);
const indexed = async (generation: string) =>
  (await system.client.smembers(system.cache().keys.index(generation))).sort();

test('added categories appear, removed ones go with their rows, and readers are told', async () => {
  const [a = '', b = '', c = '', d = ''] = categories;
  list([a, b, c]);
  const daemon = configure({ unknownCategories: 'refuse' }, { roles: ['scheduler', 'worker', 'api'] });
  const generation = String((await daemon.cycle()).live);
  const url = await daemon.url();
  const status = async (category: string) =>
    (await ask(url, `/v1/models/m/predictions?category=${encodeURIComponent(category)}&day=1&hour=2`)).status;
  expect([await status(a), await status(d)]).toEqual([200, 404]);

  list([a, c, d]);
  const changed = await daemon.logged(({ message }) => message === 'categories changed');
  expect(changed).toMatchObject({ added: 1, removed: 1, categories: 3 });
  await daemon.logged(({ message }) => message === 'rows of removed categories dropped');
  expect(await indexed(generation)).toEqual([a, c, d]);
  expect((await system.rows(generation, categories)).size).toBe(3);
  expect((await system.durableRows(generation, categories)).size).toBe(3);
  await eventually('the API to know them', async () => (await status(d)) === 200 && (await status(b)) === 404);
  const { json } = await ask(url, '/v1/models/m');
  expect(json.categories).toEqual({ count: 3, first: [a, c, d] });
  expect((await daemon.cycle('complete', daemon.mark)).rows).toBe(3);
});

test('a list that cannot be read leaves the last good one in use, marks cycles degraded, and says so until it is mended', async () => {
  list(categories);
  const daemon = configure();
  const generation = String((await daemon.cycle()).live);
  system.write('list.csv', 'name\nx\n');
  const cycle = await daemon.cycle('degraded');
  expect(cycle).toMatchObject({ rows: 12, computed: 12 });
  expect(cycle.reason).toMatch(/^categories: .*list\.csv: expected a file with a column `sku`/);
  const told = await daemon.logged(({ message }) => message === 'the categories of before are used on');
  expect(told).toMatchObject({ level: 'error', categories: 12, error: expect.stringContaining('list.csv') });
  expect(await alerts()).toMatchObject([{ condition: 'categories-refused', model: 'm' }]);
  expect(await indexed(generation)).toEqual(categories);
  // Who is called by the alert can look.
  const status = await runCommand(['status'], { cwd: system.folder });
  expect(status).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/rows +12 of 12.*categories .*list\.csv: expected a file with/s),
  });
  expect((await runCommand(['cycles'], { cwd: system.folder })).code).toBe(0);
  // They are as fresh as before.
  const { last_updated } = (await system.cache().metadata()) ?? {};
  expect(Date.now() - Date.parse(last_updated ?? '')).toBeLessThan(30_000);

  list(categories.slice(1));
  await daemon.logged(({ message }) => message === 'categories changed');
  await daemon.cycle('complete', daemon.mark);
  await eventually('the alert to end', async () => (await alerts()).length === 0);
  expect(await indexed(generation)).toEqual(categories.slice(1));
});

test('a list that shrinks too far is refused, also by a daemon that starts with it', async () => {
  list(categories);
  let daemon = configure({ maxRemovedShare: '50%', minCategories: 3 });
  const generation = String((await daemon.cycle()).live);
  list(categories.slice(0, 5));
  const reason = 'categories: it lacks 7 of 12 categories (58.3 %); maxRemovedShare allows 50 %';
  expect(await daemon.cycle('degraded')).toMatchObject({ rows: 12, reason });
  list(categories.slice(0, 2));
  await daemon.cycle('degraded', daemon.mark);
  await eventually('the shorter list to be refused', async () => {
    const [cycle] = (await system.history()).slice(-1);
    return cycle?.reason?.includes('it has 2 categories; minCategories asks for 3');
  });
  system.write('list.csv', 'sku,note\n');
  await eventually('the empty list to be refused', async () => {
    const [cycle] = (await system.history()).slice(-1);
    return cycle?.reason?.includes('at least one category');
  });
  expect(await indexed(generation)).toEqual(categories);
  expect((await system.rows(generation, categories)).size).toBe(12);

  list(categories.slice(0, 5));
  await daemon.stop();
  daemon = system.daemon();
  expect(await daemon.cycle('degraded')).toMatchObject({ rows: 12, reason });
  expect(await indexed(generation)).toEqual(categories);

  // Half of them may go.
  list(categories.slice(0, 6));
  await daemon.logged(({ message }) => message === 'rows of removed categories dropped');
  expect(await indexed(generation)).toEqual(categories.slice(0, 6));
});

describe('a query', () => {
  const QUERY = 'select sku, note from products';
  const table = async (some: readonly string[]) => {
    await system.pool.query('DROP TABLE IF EXISTS products');
    await system.pool.query('CREATE TABLE products (sku text, note text)');
    for (const sku of some) await system.pool.query('INSERT INTO products VALUES ($1)', [sku]);
  };
  const configureQuery = () => configuration({ categories: { query: QUERY, file: 'kept.json', column: 'sku' } });
  const start = () => {
    configureQuery();
    return system.daemon();
  };
  const kept = (): unknown => JSON.parse(readFileSync(join(system.folder, 'kept.json'), 'utf8'));

  test('is asked at the first start and by each cycle, and its last good answer is kept in a file', async () => {
    await table(categories.slice(0, 3));
    const daemon = start();
    const generation = String((await daemon.cycle()).live);
    expect(kept()).toEqual(categories.slice(0, 3));
    await system.pool.query('INSERT INTO products VALUES ($1)', [categories[3]]);
    await system.pool.query('DELETE FROM products WHERE sku = $1', [categories[0]]);
    const changed = await daemon.logged(({ message }) => message === 'categories changed');
    expect(changed).toMatchObject({ added: 1, removed: 1, categories: 3 });
    await daemon.logged(({ message }) => message === 'rows of removed categories dropped');
    expect(await indexed(generation)).toEqual(categories.slice(1, 4));
    expect((kept() as string[]).toSorted()).toEqual(categories.slice(1, 4));
    // In another order it is the same list.
    await system.pool.query('TRUNCATE products');
    await table([...categories.slice(1, 4)].reverse());
    await daemon.cycle('complete', daemon.mark);
    expect(daemon.lines.filter(({ message }) => message === 'categories changed')).toHaveLength(1);
  });

  test.each([
    ['fails', () => system.pool.query('DROP TABLE products'), /the query: .*does not exist \(42P01\)/],
    ['lacks too many', () => table(categories.slice(0, 2)), /it lacks 10 of 12 categories/],
  ])('that %s leaves those of before in use, also after a restart', async (_, spoil, why) => {
    await table(categories);
    const first = start();
    const generation = String((await first.cycle()).live);
    await spoil();
    expect((await first.cycle('degraded', first.mark)).reason).toMatch(why);
    await first.stop();
    const second = system.daemon();
    expect((await second.cycle('degraded')).reason).toMatch(why);
    expect(await indexed(generation)).toEqual(categories);
    expect(kept()).toEqual(categories);
    expect(await alerts()).toMatchObject([{ condition: 'categories-refused', model: 'm' }]);
    await table(categories);
    await second.cycle('complete', second.mark);
    await eventually('the alert to end', async () => (await alerts()).length === 0);
  });

  test('that was never answered keeps a daemon from starting, and says why; commands say what writes the file', async () => {
    configureQuery();
    const daemon = await runCommand(['start'], { cwd: system.folder });
    expect(daemon.code).toBe(3);
    expect(daemon.stderr).toMatch(/models\.m\.categories: .*relation "products" does not exist \(42P01\)/);
    const warm = await runCommand(['warm'], { cwd: system.folder });
    expect(warm.code).toBe(2);
    expect(warm.stderr).toMatch(/categories\.file .*`forewarm start` and `forewarm up` ask the query and write it/);
  });
});
