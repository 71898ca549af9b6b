import { Pool } from 'pg';
import { migrate } from '#shared/store/migrate';
import { type ComputedRow, ROWS_PER_STATEMENT, RowStore, type StoredRow } from '#shared/store/row-store';
import { createDatabase, type TestDatabase } from '../support/servers/postgres';

/** The durable copy of rows, on a real PostgreSQL. */

let database: TestDatabase;
let pool: Pool;

beforeEach(async () => {
  database = await createDatabase(process.env.FOREWARM_TEST_POSTGRES_URL ?? '');
  pool = new Pool({ connectionString: database.url, max: 1 });
  await migrate(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const AT = 1_700_000_000_000;
const row = (i: number, more: Partial<ComputedRow> = {}): ComputedRow => ({
  ...{ category: `c${i}`, bytes: Buffer.from([i & 255, i >> 8, 1]), computedAtMs: AT, inputs: undefined },
  ...more,
});
const rows = (count: number, more: Partial<ComputedRow> = {}) => Array.from({ length: count }, (_, i) => row(i, more));

/** What comes back of it. */
const stored = (written: readonly ComputedRow[]): StoredRow[] =>
  written.map(({ category, bytes, inputs }) => ({ category, bytes, inputs }));

async function read(count: number): Promise<StoredRow[]> {
  const found = await new RowStore(pool).read(
    'm',
    'g',
    rows(count).map(({ category }) => category),
  );
  return found.sort((a, b) => Number(a.category.slice(1)) - Number(b.category.slice(1)));
}

test.each([1, ROWS_PER_STATEMENT, ROWS_PER_STATEMENT + 1, 3 * ROWS_PER_STATEMENT + 5])(
  '%i rows come back as they were written, and can be written again',
  async (count) => {
    const store = new RowStore(pool);
    await store.upsert('m', 'g', rows(count), AT + 10);
    expect(await read(count)).toEqual(stored(rows(count)));
    const newer = { computedAtMs: AT + 1, inputs: Buffer.from('0011223344556677', 'hex') };
    await store.upsert('m', 'g', rows(count, newer), AT + 10);
    expect(await read(count)).toEqual(stored(rows(count, newer)));
  },
);

test('rows of different lengths, with inputs and without, come back as they were written', async () => {
  const written = Array.from({ length: 300 }, (_, i) =>
    row(i, { bytes: Buffer.alloc(i % 7, i), inputs: i % 3 === 0 ? Buffer.alloc(8, i) : undefined }),
  );
  written.push(row(300, { category: 'quoted "\\{}, NULL \'', bytes: Buffer.from('x') }));
  await new RowStore(pool).upsert('m', 'g', written, AT + 10);
  const categories = written.map(({ category }) => category);
  const found = await new RowStore(pool).read('m', 'g', categories);
  expect(found.sort((a, b) => categories.indexOf(a.category) - categories.indexOf(b.category))).toEqual(
    stored(written),
  );
});

test('the statement is prepared once for a connection, whatever its size', async () => {
  const store = new RowStore(pool);
  await store.upsert('m', 'g', rows(2 * ROWS_PER_STATEMENT + 7), AT + 10);
  await store.upsert('m', 'g', rows(ROWS_PER_STATEMENT), AT + 10);
  const { rows: prepared } = await pool.query('SELECT name FROM pg_prepared_statements');
  expect(prepared).toEqual([{ name: 'forewarm-upsert' }]);
});

test('a pooler that does not keep prepared statements costs one statement, and no row', async () => {
  const store = new RowStore(pool);
  await store.upsert('m', 'g', rows(ROWS_PER_STATEMENT), AT + 10);
  // What the client believes to be prepared is not there any more, as behind a transaction pooler.
  await pool.query('DEALLOCATE ALL');
  const newer = { computedAtMs: AT + 1 };
  await store.upsert('m', 'g', rows(2 * ROWS_PER_STATEMENT, newer), AT + 10);
  expect(await read(2 * ROWS_PER_STATEMENT)).toEqual(stored(rows(2 * ROWS_PER_STATEMENT, newer)));
  const { rows: prepared } = await pool.query('SELECT name FROM pg_prepared_statements');
  expect(prepared).toEqual([]);
});
