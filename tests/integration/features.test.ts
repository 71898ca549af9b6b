import { setTimeout as delay } from 'node:timers/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeRow } from '#shared/cache/row';
import { optionsOf } from '#shared/predictor/configured-options';
import { Predictor } from '#shared/predictor/predictor';
import { refusals } from '../support/alerts';
import { errorsIn } from '../support/daemon-process';
import { matrixRegressor } from '../support/exported-models';
import { eventually, someCategories, TestSystem } from '../support/system';
import { ask } from './http-api/client';

/** What is known of categories beside their names, read again by each cycle from files and from PostgreSQL. */

jest.setTimeout(90_000);

const AXES = { day: [0, 1], hour: [0, 12] };
const CELLS = AXES.day.flatMap((day) => AXES.hour.map((hour) => [day, hour] as const));
const INPUTS = { float_input: [{ axis: 'day' }, { axis: 'hour' }, { feature: 'size' }, { feature: 'open' }] };
const categories = someCategories(4);
const [a = '', b = '', c = '', d = ''] = categories;
const bytes = matrixRegressor(4);
type Features = readonly [size: number, open: number];

let system: TestSystem;
let session: InferenceSession;

beforeAll(async () => {
  session = await InferenceSession.create(bytes);
});
afterAll(() => session.release());
beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  system.write('m.onnx', bytes);
});
afterEach(() => system.stop());

/** What the runtime itself says of a category with these features. */
async function direct([size, open]: Features): Promise<Float32Array> {
  const data = Float32Array.from(CELLS.flatMap(([day, hour]) => [day, hour, size, open]));
  const answer = await session.run({ float_input: new Tensor('float32', data, [CELLS.length, 4]) });
  return answer.variable?.data as Float32Array;
}

const csv = (rows: readonly string[], header = 'category,size,open,at') =>
  system.write('stations.csv', `${header}\n${rows.join('\n')}\n`);
const line = (category: string, size: number | string, open: string, at = '2026-11-20T10:00:00Z') =>
  `"${category}",${size},${open},${at}`;

function configure(features: object, more: object = {}, settings: object = {}): string {
  const model = { file: 'm.onnx', axes: AXES, categories, inputs: INPUTS, features, every: '1s', ...more };
  return system.configure({ m: model }, settings as Record<string, unknown>);
}

const alerts = async () => (await refusals(system.pool)).map(({ condition }) => condition);
function valuesIn(bytes: Buffer | undefined): Float32Array | undefined {
  const decoded = bytes && decodeRow(bytes);
  return decoded?.ok ? decoded.row.values : undefined;
}
async function valuesOf(generation: string): Promise<Record<string, Float32Array | undefined>> {
  const rows = await system.rows(generation, categories);
  return Object.fromEntries(categories.map((category) => [category, valuesIn(rows.get(category))]));
}

test('rows are those of a direct run with the features of the file, follow it, and its age is told', async () => {
  csv([
    line(a, 2.5, 'true'),
    line(b, '1e2', 'False'),
    line(c, -3, '1', '2026-11-20 12:30:00'),
    line(d, 17_000_001, '0'),
  ]);
  configure({ file: 'stations.csv', time: 'at' }, { refresh: 'changed' }, { roles: ['scheduler', 'worker', 'api'] });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const wanted = { [a]: await direct([2.5, 1]), [b]: await direct([100, 0]), [c]: await direct([-3, 1]) };
  expect(await valuesOf(generation)).toEqual({ ...wanted, [d]: await direct([17_000_001, 0]) });
  expect((await system.cache().metadata())?.data_updated).toBe('2026-11-20T12:30:00.000Z');
  const url = await daemon.url();
  expect((await ask(url, '/v1/models/m')).json.dataUpdated).toBe('2026-11-20T12:30:00.000Z');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^forewarm_batches_total\{model="m",state="complete"\} [1-9]/m);
  expect(metrics).toMatch(/^forewarm_cycle_stage_duration_seconds_count\{model="m",stage="infer"\} [1-9]/m);
  expect(metrics).toContain(`forewarm_data_timestamp_seconds{model="m"} ${Date.parse('2026-11-20T12:30:00Z') / 1000}`);

  // One category has changed, and one row is computed.
  csv([
    line(a, 2.5, 'true'),
    line(b, '1e2', 'False'),
    line(c, 4, '1'),
    line(d, 17_000_001, '0', '2026-11-21T00:00:00Z'),
  ]);
  const changed = await daemon.logged(({ message, computed }) => message === 'cycle complete' && computed === 1, {
    after: daemon.mark,
  });
  expect(changed).toMatchObject({ rows: 4 });
  expect((await valuesOf(generation))[c]).toEqual(await direct([4, 1]));
  expect((await system.cache().metadata())?.data_updated).toBe('2026-11-21T00:00:00.000Z');
});

test.each([
  ['a category twice', (rows: string[]) => csv([...rows, line(a, 1, '1')]), /is there twice; the first is line 2/],
  ['no rows', () => csv([]), /it has no rows/],
])('a file with %s leaves those of before in use, also after a restart, until it is mended', async (_, spoil, why) => {
  const rows = [line(a, 1, '1'), line(b, 2, '1'), line(c, 3, '1'), line(d, 4, '1')];
  csv(rows);
  configure({ file: 'stations.csv' });
  const first = system.daemon();
  const generation = String((await first.cycle()).live);
  const before = await valuesOf(generation);

  spoil(rows);
  const degraded = await first.cycle('degraded', first.mark);
  expect(degraded.reason).toMatch(why);
  expect(await alerts()).toEqual(['features-refused']);
  await first.stop();

  const second = system.daemon();
  expect((await second.cycle('degraded')).reason).toMatch(why);
  expect(await valuesOf(generation)).toEqual(before);

  csv([line(a, 9, '1'), ...rows.slice(1)]);
  await second.cycle('complete', second.mark);
  expect((await valuesOf(generation))[a]).toEqual(await direct([9, 1]));
  await eventually('the alert to end', async () => (await alerts()).length === 0);
});

test('a category whose feature is missing or NaN keeps its row, and the cycle names it; with a default it is computed', async () => {
  csv([line(a, 1, '1'), line(b, 2, '1'), line(c, 3, '1'), line(d, 4, '1')]);
  configure({ file: 'stations.csv' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  csv([line(a, 5, '1'), line(b, '', '1'), line(c, 'NaN', '1')]);
  const cycle = await daemon.cycle('degraded', daemon.mark);
  expect(cycle.reason).toMatch(/^3 rows failed: .*feature size of "category 00001" is missing, for input float_input/);
  const values = await valuesOf(generation);
  expect(values[a]).toEqual(await direct([5, 1]));
  expect([values[b], values[c], values[d]]).toEqual([await direct([2, 1]), await direct([3, 1]), await direct([4, 1])]);
  await daemon.stop();

  configure({ file: 'stations.csv', missing: 'default', defaults: { size: -1, open: false } });
  await system.daemon().cycle();
  const filled = await valuesOf(generation);
  expect([filled[b], filled[c], filled[d]]).toEqual([
    await direct([-1, 1]),
    await direct([-1, 1]),
    await direct([-1, 0]),
  ]);
});

describe('a query', () => {
  const table = async (rows: readonly (readonly [string | null, number | string | null])[]) => {
    await system.pool.query('DROP TABLE IF EXISTS stations');
    await system.pool.query('CREATE TABLE stations (name text, size numeric, at timestamptz DEFAULT now())');
    for (const row of rows) await system.pool.query('INSERT INTO stations VALUES ($1, $2)', [...row]);
  };
  const QUERY = 'select name as category, size, true as open, at from stations -- all of them\n;';
  const good: [string, number][] = [
    [a, 1.5],
    [b, 2],
    [c, 3],
    [d, 4],
  ];

  test('feeds the model with what PostgreSQL has, and readers without stores as well', async () => {
    await table(good);
    const config = configure({ query: QUERY, time: 'at' });
    const daemon = system.daemon();
    const { live } = await daemon.cycle();
    expect((await valuesOf(String(live)))[a]).toEqual(await direct([1.5, 1]));
    await daemon.stop();
    const { models, postgres } = optionsOf(config, {});
    const predictor = new Predictor({ models, postgres });
    await system.pool.query('DELETE FROM forewarm.row');
    try {
      const answer = await predictor.row('m', b);
      expect(answer.tier).toBe('model');
      expect(Float32Array.from(answer.values)).toEqual(await direct([2, 1]));
    } finally {
      await predictor.close();
    }
  });

  test.each([
    ['gives a category twice', () => table([...good, [a, 1]]), QUERY, /is there twice/],
    [
      'gives a category that is null',
      () => table([...good, [null, 1]]),
      QUERY,
      /row 5: expected a category; it is null/,
    ],
    ['gives nothing', () => table([]), QUERY, /it has no rows/],
    [
      'gives the wrong columns',
      () => system.pool.query('ALTER TABLE stations RENAME COLUMN size TO sizes'),
      QUERY,
      /size/,
    ],
    ['fails', () => system.pool.query('DROP TABLE stations'), QUERY, /does not exist \(42P01\)/],
  ])('that %s leaves those of before in use', async (_, spoil, query, why) => {
    await table(good);
    configure({ query });
    const daemon = system.daemon();
    const generation = String((await daemon.cycle()).live);
    const before = await valuesOf(generation);
    await spoil();
    expect((await daemon.cycle('degraded', daemon.mark)).reason).toMatch(why);
    expect(await valuesOf(generation)).toEqual(before);
    expect(await alerts()).toEqual(['features-refused']);
  });

  test('that never returns is given up after its time limit, and holds nothing in PostgreSQL', async () => {
    await table(good);
    configure({ query: 'select name as category, size, true as open from stations where wait()', timeLimit: '500ms' });
    await system.pool.query(`CREATE FUNCTION wait() RETURNS boolean LANGUAGE sql AS 'select true'`);
    const daemon = system.daemon();
    const generation = String((await daemon.cycle()).live);
    await system.pool.query(
      `CREATE OR REPLACE FUNCTION wait() RETURNS boolean LANGUAGE sql AS 'select pg_sleep(600) is not null'`,
    );
    expect((await daemon.cycle('degraded', daemon.mark)).reason).toMatch(/took longer than 500 ms \(timeLimit\)/);
    expect((await system.rows(generation, categories)).size).toBe(4);
    await daemon.stop();
    await eventually('its end in PostgreSQL', async () => {
      const { rows } = await system.pool.query(
        `SELECT count(*)::int AS busy FROM pg_stat_activity WHERE query LIKE '%wait()%' AND state = 'active' AND pid <> pg_backend_pid()`,
      );
      return rows[0].busy === 0;
    });
  });

  test('cannot write', async () => {
    await table(good);
    await system.pool.query(
      `CREATE FUNCTION spoil() RETURNS boolean LANGUAGE sql VOLATILE AS 'delete from stations; select true'`,
    );
    configure({ query: 'select name as category, size, spoil() as open from stations' });
    const daemon = system.daemon();
    const failed = await daemon.logged(({ code }) => code === 'FW_FEATURES_UNAVAILABLE');
    expect(failed.error).toMatch(/writes; it is run in a transaction that only reads/);
    expect((await system.pool.query('SELECT count(*)::int AS n FROM stations')).rows[0].n).toBe(4);
  });

  test('cannot end its transaction either', async () => {
    await table(good);
    const query = 'select 1 as category) as x; commit; delete from stations; select * from (select 1 as category';
    configure({ query });
    const daemon = system.daemon();
    const failed = await daemon.logged(({ code }) => code === 'FW_FEATURES_UNAVAILABLE');
    expect(failed.error).toMatch(/cannot insert multiple commands into a prepared statement/);
    expect((await system.pool.query('SELECT count(*)::int AS n FROM stations')).rows[0].n).toBe(4);
  });
});

test('rows of other features are no copies: after a loss of the cache they are computed, not restored', async () => {
  csv(categories.map((category) => line(category, 1, '1')));
  configure({ file: 'stations.csv', time: 'at' }, { every: '1h' });
  const first = system.daemon();
  const generation = String((await first.cycle()).live);
  await first.stop();
  csv(categories.map((category) => line(category, 500, '1', '2026-11-25T10:00:00Z')));
  await system.client.flushall();
  const second = system.daemon();
  await second.cycle();
  const values = await valuesOf(generation);
  for (const category of categories) expect(values[category]).toEqual(await direct([500, 1]));
  expect(await system.cache().metadata()).toMatchObject({ data_updated: '2026-11-25T10:00:00.000Z' });
});

test('a file that is written while it is read is waited for, not taken by halves', async () => {
  const rows = [line(a, 1, '1'), line(b, 2, '1'), line(c, 3, '1'), line(d, 4, '1')];
  csv(rows);
  configure({ file: 'stations.csv' });
  const daemon = system.daemon();
  await daemon.cycle();
  const mark = daemon.mark;
  // Cut in the middle of a value, as a slow writer leaves it for a moment.
  for (let i = 0; i < 4; i++) {
    system.write('stations.csv', `category,size,open,at\n${line(a, 1, '1')}\n${b},2`);
    await delay(300);
  }
  csv(rows);
  await daemon.cycle('complete', daemon.mark);
  expect(errorsIn(daemon.lines.slice(mark))).toEqual([]);
});

test('features that could never be read fail cycles, which say why, and do not stop a daemon from starting', async () => {
  configure({ file: 'stations.csv' });
  const daemon = system.daemon();
  const failed = await daemon.logged(
    ({ message, level }) => level === 'error' && /there are none of before/.test(String(message)),
  );
  expect(failed.error).toMatch(/stations\.csv: there is no such file$/);
  await eventually('a failed cycle', async () => (await system.history()).some(({ state }) => state === 'failed'));
  csv([line(a, 1, '1'), line(b, 2, '1'), line(c, 3, '1'), line(d, 4, '1')]);
  await daemon.cycle();
});
