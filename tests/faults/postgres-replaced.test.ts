import { errorsIn } from '../support/daemon-process';
import { eventually, SMALL_AXES, someCategories, TestSystem } from '../support/system';

/** A PostgreSQL that comes back as another: with nothing in it, or with what was to be deleted. */

jest.setTimeout(90_000);

const categories = someCategories(12);

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ ownPostgres: true });
});
afterEach(() => system.stop());

test('an empty one gets its schema while the daemon runs, and the durable copy is whole again', async () => {
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  const mark = daemon.mark;
  await system.pool.query('DROP SCHEMA forewarm CASCADE');
  await daemon.cycle('degraded', mark);
  await daemon.logged(({ message }) => message === 'database schema migrated', { after: mark });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ live, rows: 12, durable: 12 });
  expect((await system.durableRows(String(live), categories)).size).toBe(12);
  expect(await system.recorded(({ state }) => state === 'complete')).toMatchObject({ generation: live });
  expect(errorsIn(daemon.lines.slice(mark))).toEqual([]);
});

test('rows of categories that were removed while it was away are deleted when it is back', async () => {
  system.configureSmall(categories, { every: '1s' });
  const first = system.daemon();
  const generation = String((await first.cycle()).live);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  await system.postgres.down();

  const fewer = categories.slice(0, 9);
  system.configure({ m: { file: 'm.onnx', axes: SMALL_AXES, categories: fewer, every: '1s' } });
  const second = system.daemon();
  await second.logged(({ message }) => message === 'rows of removed categories dropped');
  await system.postgres.start();
  await second.cycle('complete');
  await eventually('the rows to be gone', async () => {
    const { rows } = await system.pool.query('SELECT category FROM forewarm.row ORDER BY category');
    return rows.length === 9;
  });
  expect([...(await system.durableRows(generation, categories)).keys()].sort()).toEqual(fewer);
});
