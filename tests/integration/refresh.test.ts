import { inputsHash } from '#shared/model/inputs-hash';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** `refresh: changed`: a cycle computes what it must, and verifies the rest. */

jest.setTimeout(90_000);

const categories = someCategories(200);
const [MISSING = '', CORRUPT = '', SHORT = '', CHANGED = '', LOST = '', UNKNOWN = ''] = categories;

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ ownPostgres: true });
});
afterEach(() => system.stop());

/** A daemon whose first cycle has computed everything. */
async function warmed(more: Record<string, unknown> = {}) {
  system.configureSmall(categories, { every: '1h', refresh: 'changed', ...more });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const { keys } = system.cache();
  const again = async (): Promise<Record<string, unknown>> => {
    const { mark } = daemon;
    await system.queue('warm').add('warm', { model: 'm', trigger: 'command' });
    return daemon.logged(({ message }) => message.startsWith('cycle '), { after: mark });
  };
  return { daemon, generation, keys, again, before: await system.rows(generation, categories) };
}

test('a cycle over rows that are all good computes none, and moves last_updated', async () => {
  const { generation, keys, again, before } = await warmed();
  const hashes = await system.client.hgetallBuffer(keys.inputs(generation));
  expect(Object.keys(hashes).sort()).toEqual(categories);
  expect(hashes[CHANGED]).toEqual(inputsHash(CHANGED));
  const first = await system.cache().metadata();
  expect(await again()).toMatchObject({ message: 'cycle complete', computed: 0, verified: 200 });
  expect(await system.rows(generation, categories)).toEqual(before);
  const second = await system.cache().metadata();
  expect(second).toMatchObject({ rows: 200, expected: 200, state: 'complete' });
  expect(Date.parse(second?.last_updated ?? '')).toBeGreaterThan(Date.parse(first?.last_updated ?? ''));
});

test('what is missing or damaged is restored where Postgres has it, and computed where not', async () => {
  const { generation, keys, again, before } = await warmed();
  const row = (category: string) => keys.row(generation, category);
  const bytes = before.get(CORRUPT) ?? Buffer.alloc(0);
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
  await system.client.del(row(MISSING), row(LOST));
  await system.client.srem(keys.index(generation), MISSING, UNKNOWN);
  await system.client.set(row(CORRUPT), flipped);
  await system.client.set(row(SHORT), bytes.subarray(0, 60));
  await system.pool.query('DELETE FROM forewarm.row WHERE category = $1', [LOST]);
  expect(await again()).toMatchObject({ message: 'cycle complete', computed: 1, restored: 3, verified: 196 });
  const after = await system.rows(generation, categories);
  const differ = categories.filter((category) => !after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0)));
  expect(differ).toEqual([LOST]);
  expect(await system.cache().indexSize(generation)).toBe(200);
});

test('exactly the rows whose inputs have changed are computed', async () => {
  const { generation, keys, again, before } = await warmed();
  const changed = [CHANGED, UNKNOWN];
  const elsewhere = Buffer.from('0011223344556677', 'hex');
  await system.client.hset(keys.inputs(generation), CHANGED, elsewhere);
  await system.client.hdel(keys.inputs(generation), UNKNOWN);
  await system.pool.query('UPDATE forewarm.row SET inputs = $1 WHERE category = ANY ($2)', [elsewhere, changed]);
  expect(await again()).toMatchObject({ message: 'cycle complete', computed: 2, verified: 198, durable: 2 });
  const after = await system.rows(generation, categories);
  const differ = categories.filter((category) => !after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0)));
  expect(differ).toEqual(changed);
  expect(await again()).toMatchObject({ computed: 0, verified: 200 });
});

test('rows that are older than maxAge are computed anew', async () => {
  const { again } = await warmed({ maxAge: '1s', staleAfter: '1s' });
  await eventually('the rows to be old', async () => {
    const metadata = await system.cache().metadata();
    return Date.now() - Date.parse(metadata?.last_updated ?? '') > 1_000;
  });
  expect(await again()).toMatchObject({ message: 'cycle complete', computed: 200 });
});

test('a cold start restores rows with the hashes of their inputs, and the next cycle verifies them', async () => {
  const { daemon, again } = await warmed();
  await system.client.flushall();
  const { mark } = daemon;
  await system.queue('warm').add('warm', { model: 'm', trigger: 'heal' });
  expect(await daemon.cycle('complete', mark)).toMatchObject({ computed: 0, restored: 200 });
  expect(await again()).toMatchObject({ computed: 0, verified: 200 });
});

test('rows that Postgres missed while it was away are copied by the next whole cycle, though none is computed', async () => {
  const { generation, again } = await warmed();
  await system.postgres.down();
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  const degraded = await again();
  expect(degraded).toMatchObject({ message: 'cycle degraded', computed: 200, durable: 0 });
  const newer = String(degraded.live);
  expect(newer).not.toBe(generation);
  await system.postgres.start();
  await eventually('Postgres to be back', async () =>
    system.pool.query('SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  // An inference process leaves a database that failed alone for some seconds.
  const copied = await eventually('a cycle that copies', async () => {
    const cycle = await again();
    return cycle.message === 'cycle complete' && cycle;
  });
  expect(copied).toMatchObject({ computed: 0, verified: 200, durable: 200 });
  expect(await system.durableRows(newer, categories)).toEqual(await system.rows(newer, categories));
  expect(await again()).toMatchObject({ computed: 0, verified: 200, durable: 0 });
});

test('with expireAfter a row that is verified lives on', async () => {
  const { generation, keys, again } = await warmed({ expireAfter: '3h' });
  await system.client.pexpire(keys.row(generation, CHANGED), 60_000);
  expect(await again()).toMatchObject({ computed: 0, verified: 200 });
  expect(await system.client.pttl(keys.row(generation, CHANGED))).toBeGreaterThan(3_600_000);
});

test('warm with force computes rows whose inputs are the same', async () => {
  const { daemon } = await warmed();
  const { mark } = daemon;
  await system.queue('warm').add('warm', { model: 'm', trigger: 'command', force: true });
  expect(await daemon.cycle('complete', mark)).toMatchObject({ computed: 200 });
});
