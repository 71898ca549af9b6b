import { Pool } from 'pg';
import { GenerationStore } from '#shared/store/generation-store';
import { migrate } from '#shared/store/migrate';
import { RowStore } from '#shared/store/row-store';
import { liveGeneration } from '#shared/tiers/live-generation';
import { PostgresTier } from '#shared/tiers/postgres-tier';
import { AXES, ReferenceModel } from '../../conformance/reference-model';
import { withPostgres } from '../../support/servers/clients';
import { createDatabase } from '../../support/servers/postgres';
import { eventually, smallModel, someCategories, TestSystem } from '../../support/system';

/** What is PostgreSQL's own of the tier; what it shares with the others is in tests/conformance. */

jest.setTimeout(60_000);

const categories = someCategories(20);
const [FIRST = ''] = categories;
/** Generous: it bounds a test that goes wrong. */
const LIMIT_MS = 20_000;

let system: TestSystem;
let reference: ReferenceModel;
let tier: PostgresTier;

beforeAll(async () => {
  system = await TestSystem.start();
  await migrate(system.pool);
  reference = await ReferenceModel.open(system.write('m.onnx', smallModel(categories)), FIRST);
  const rows = await Promise.all(
    categories.map(async (category) => {
      return { category, bytes: await reference.bytes(category), inputs: undefined, computedAtMs: 1 };
    }),
  );
  await new RowStore(system.pool).upsert('m', reference.live.generation, rows, 2);
});
afterAll(async () => {
  await reference.close();
  await system.stop();
});
beforeEach(() => {
  tier = new PostgresTier(system.pool, { keyPrefix: 'forewarm', limitMs: LIMIT_MS });
});
afterEach(() => tier.close());

/** Statements that were given to connections of the pool while `work` ran. */
async function statements(pool: Pool, work: () => Promise<unknown>): Promise<number> {
  const count = jest.spyOn(pool, 'connect');
  await work();
  const { length } = count.mock.calls;
  count.mockRestore();
  return length;
}

test('calls that come while two statements are under way share the next', async () => {
  const calls = () => Promise.all(categories.map((category) => tier.read(reference.live, [category])));
  expect(await statements(system.pool, calls)).toBe(3);
});

test('a statement that hangs is given up at the limit, its connection is closed, and the next one works', async () => {
  const pool = new Pool({ connectionString: system.postgresUrl, max: 1 });
  const short = new PostgresTier(pool, { keyPrefix: 'forewarm', limitMs: 150 });
  try {
    await withPostgres(system.postgresUrl, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE forewarm.row IN ACCESS EXCLUSIVE MODE');
      const removed = new Promise((resolve) => pool.once('remove', resolve));
      // The second waits for the pool's only connection, and that is bounded as well.
      const asked = await Promise.allSettled([
        short.read(reference.live, [FIRST]),
        short.read({ ...reference.live, generation: '000000000000' }, [FIRST]),
      ]);
      for (const outcome of asked) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'FW_POSTGRES_UNAVAILABLE', message: expect.stringContaining('took longer than 150 ms') },
        });
      }
      await removed;
      await client.query('ROLLBACK');
    });
    const again = () => short.read(reference.live, [FIRST]).catch(() => undefined);
    const { found } = await eventually('a row', again);
    expect(found).toHaveLength(1);
  } finally {
    await short.close();
    await pool.end();
  }
});

test('it stays on the pool of its caller: closing ends no connection', async () => {
  const before = new PostgresTier(system.pool, { keyPrefix: 'forewarm', limitMs: LIMIT_MS });
  await before.close();
  await before.close();
  expect((await tier.read(reference.live, [FIRST])).found).toHaveLength(1);
});

test('a connection that is cut fails the call that was on it, and no later one', async () => {
  const pool = new Pool({ connectionString: system.postgresUrl, max: 1, application_name: 'cut' });
  pool.on('error', () => undefined);
  const cut = new PostgresTier(pool, { keyPrefix: 'forewarm', limitMs: LIMIT_MS });
  try {
    await withPostgres(system.postgresUrl, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE forewarm.row IN ACCESS EXCLUSIVE MODE');
      const read = cut.read(reference.live, [FIRST]);
      const failed = expect(read).rejects.toMatchObject({ code: 'FW_POSTGRES_UNAVAILABLE' });
      await eventually('the end of the connection', async () => {
        const { rowCount } = await system.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut' AND state = 'active'`,
        );
        return rowCount === 1;
      });
      await failed;
      await client.query('ROLLBACK');
    });
    expect((await cut.read(reference.live, [FIRST])).found).toHaveLength(1);
  } finally {
    await cut.close();
    await pool.end();
  }
});

describe('the live generation', () => {
  const at = new Date('2026-11-24T03:37:04.120Z');
  const spec = (generation: string, more: object = {}) => ({
    ...{ name: 'n', file: '/m.onnx', version: '7', modelVersion: '7', axes: AXES, output: 'y', outputs: ['y', 'z'] },
    ...{ inputs: {}, fileSha256: 'ab', fileBytes: 1, identity: `${generation}0123`, generation, rowMs: 1 },
    ...{ graph: { inputs: [], outputs: [] }, perOutput: [2], fixedBatch: undefined, hasZipMap: false, ...more },
  });

  test('is the one that was published, whole; none before, and none of other models', async () => {
    const store = new GenerationStore(system.pool);
    expect(await tier.published('n')).toBeUndefined();
    await store.begin(spec('aaaaaaaaaaaa'), null);
    expect(await tier.published('n')).toBeUndefined();
    await store.published('n', 'aaaaaaaaaaaa', null, at);
    const facts = { model: 'n', modelVersion: '7', axes: AXES, outputs: ['y', 'z'], publishedAt: at.toISOString() };
    expect(await tier.published('n')).toEqual({
      live: liveGeneration('forewarm', { ...facts, generation: 'aaaaaaaaaaaa' }),
    });
    const text = { axes: [{ name: 'region', values: ['north', 'south'] }] };
    await store.begin(spec('bbbbbbbbbbbb', text), null);
    await store.published('n', 'bbbbbbbbbbbb', 'aaaaaaaaaaaa', new Date(at.getTime() + 1));
    expect(await tier.published('n')).toMatchObject({ live: { generation: 'bbbbbbbbbbbb', cells: 2, ...text } });
    expect(await tier.published('another')).toBeUndefined();
  });

  test('that was recorded by a version that knows more is understood; one of another kind is told of', async () => {
    const insert = (model: string, parts: object) =>
      system.pool.query(
        `INSERT INTO forewarm.generation (model, id, state, identity, identity_parts, model_version)
         VALUES ($1, 'cccccccccccc', 'live', 'c', $2, '1')`,
        [model, JSON.stringify(parts)],
      );
    const parts = { format: 1, axes: [{ name: 'x', values: [1, 'two'], unit: 'm' }], outputs: ['y'], later: {} };
    await insert('more', parts);
    const known = { cells: 2, axes: [{ name: 'x', values: [1, 'two'] }], publishedAt: undefined };
    expect(await tier.published('more')).toMatchObject({ live: known });
    await insert('less', { ...parts, axes: 'none' });
    await expect(tier.published('less')).rejects.toMatchObject({
      code: 'FW_POSTGRES_UNAVAILABLE',
      message: expect.stringMatching(/identity_parts of cccccccccccc of less .*axes/s),
    });
  });

  test('is told no more after the end', async () => {
    await tier.close();
    await expect(tier.published('n')).rejects.toMatchObject({ code: 'FW_READER_CLOSED' });
  });
});

test('a user who may only read can read', async () => {
  const role = `reader_${process.pid}`;
  const url = new URL(system.postgresUrl);
  Object.assign(url, { username: role, password: 'secret' });
  await system.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  const pool = new Pool({ connectionString: url.toString(), max: 1 });
  const reading = new PostgresTier(pool, { keyPrefix: 'forewarm', limitMs: LIMIT_MS });
  try {
    await expect(reading.read(reference.live, [FIRST])).rejects.toMatchObject({
      code: 'FW_POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('permission denied'),
    });
    await system.pool.query(`GRANT USAGE ON SCHEMA forewarm TO ${role}`);
    await system.pool.query(`GRANT SELECT ON forewarm.row, forewarm.generation TO ${role}`);
    expect((await reading.read(reference.live, [FIRST])).found).toHaveLength(1);
    expect(await reading.published('m')).toBeUndefined();
  } finally {
    await reading.close();
    await pool.end();
    await system.pool.query(`DROP OWNED BY ${role}`);
    await system.pool.query(`DROP ROLE ${role}`);
  }
});

test('a database that no daemon has used says what to do', async () => {
  const database = await createDatabase(process.env.FOREWARM_TEST_POSTGRES_URL ?? '');
  const pool = new Pool({ connectionString: database.url, max: 1 });
  const empty = new PostgresTier(pool, { keyPrefix: 'forewarm', limitMs: LIMIT_MS });
  try {
    const error = { code: 'FW_POSTGRES_UNAVAILABLE', next: expect.stringContaining('Start a daemon on this database') };
    await expect(empty.read(reference.live, [FIRST])).rejects.toMatchObject(error);
    await expect(empty.published('m')).rejects.toMatchObject(error);
  } finally {
    await empty.close();
    await pool.end();
    await database.drop();
  }
});
