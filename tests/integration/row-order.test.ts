import { migrate } from '#shared/store/migrate';
import { RowStore } from '#shared/store/row-store';
import { TestSystem } from '../support/system';

/** Which of two rows is the newer one, for writers whose clocks are wrong, on a real PostgreSQL. */

jest.setTimeout(60_000);

const HOUR_MS = 3_600_000;
const GENERATION = '0123456789ab';

let system: TestSystem;
let rows: RowStore;

beforeAll(async () => {
  system = await TestSystem.start();
  await migrate(system.pool);
  rows = new RowStore(system.pool);
});
beforeEach(() => rows.removeGeneration('m', GENERATION));
afterAll(() => system.stop());

/** Writes a row that was computed so long ago, by somebody whose clock is off by so much. */
async function write(text: string, { ageMs = 0, clockOffMs = 0 } = {}): Promise<void> {
  const nowMs = Date.now() + clockOffMs;
  const row = { category: 'a', bytes: Buffer.from(text), computedAtMs: nowMs - ageMs, inputs: undefined };
  await rows.upsert('m', GENERATION, [row], nowMs);
}

async function stored(): Promise<string> {
  const [row] = await rows.read('m', GENERATION, ['a']);
  return row?.bytes.toString() ?? 'nothing';
}

test('a newer row replaces an older one', async () => {
  await write('first');
  await write('second');
  expect(await stored()).toBe('second');
});

test('a row that was computed before the one that is there does not', async () => {
  await write('first');
  await write('of a process that slept', { ageMs: 60_000 });
  expect(await stored()).toBe('first');
});

test.each([
  ['behind', -HOUR_MS],
  ['ahead', HOUR_MS],
])('a writer whose clock is an hour %s writes newer rows, not older ones', async (_, clockOffMs) => {
  await write('first');
  await write('second', { clockOffMs });
  expect(await stored()).toBe('second');
  await write('third');
  expect(await stored()).toBe('third');
  await write('old', { clockOffMs, ageMs: 60_000 });
  expect(await stored()).toBe('third');
});

test('a row of the time before the clock of PostgreSQL was set back gives way', async () => {
  await write('first');
  await system.pool.query(`UPDATE forewarm.row SET computed_at = now() + interval '1 hour'`);
  await write('second');
  expect(await stored()).toBe('second');
  const { rows: found } = await system.pool.query('SELECT computed_at <= clock_timestamp() AS past FROM forewarm.row');
  expect(found).toEqual([{ past: true }]);
});

test('a clock that is set back between computing and writing makes no row of the future', async () => {
  await write('first', { ageMs: -HOUR_MS });
  const { rows: found } = await system.pool.query('SELECT computed_at <= clock_timestamp() AS past FROM forewarm.row');
  expect(found).toEqual([{ past: true }]);
});
