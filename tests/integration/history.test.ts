import { type BatchRecord, type CycleRecord, HistoryStore } from '#shared/store/history-store';
import { migrate } from '#shared/store/migrate';
import { MIGRATIONS } from '#shared/store/migrations/all';
import { runCommand } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** The run history and the schema that it lives in, on a real PostgreSQL. */

jest.setTimeout(60_000);

const DAY_MS = 86_400_000;
const NOW = new Date('2026-06-01T12:00:00Z');
const COUNTS = { computed: 1, restored: 0, verified: 0, failed: 0, durable: 1 };

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('pruning keeps cycles by age and number, and batches of the last cycles, and those that did not complete', async () => {
  await migrate(system.pool);
  const history = new HistoryStore(system.pool);
  // c0 is the newest; one an hour, and the last two are older than two days.
  const hours = [0, 1, 2, 3, 4, 5, 6, 7, 49, 50];
  const ids = hours.map((_, i) => `c${i}`);
  for (const [i, hour] of [...hours.entries()].reverse()) {
    const state = i === 5 ? 'degraded' : i === 6 ? 'failed' : 'complete';
    await history.record(cycle(`c${i}`, { state, startedAt: new Date(NOW.getTime() - hour * 3_600_000) }), [
      batch(0),
      // In those that did not complete, one batch did.
      { ...batch(1), state: state === 'complete' ? 'complete' : 'failed' },
    ]);
  }
  const bounds = { keepForMs: 2 * DAY_MS, keepCycles: 100, keepBatchesOf: 3 };
  expect(await history.prune(bounds, NOW)).toEqual({ cycles: 2, batches: 8 });
  expect(await remaining()).toEqual({ cycles: ids.slice(0, 8), batchesOf: ['c0', 'c1', 'c2', 'c5', 'c6'] });
  expect(await history.prune(bounds, NOW)).toEqual({ cycles: 0, batches: 0 });

  expect(await history.prune({ ...bounds, keepCycles: 6 }, NOW)).toEqual({ cycles: 2, batches: 0 });
  expect(await remaining()).toEqual({ cycles: ids.slice(0, 6), batchesOf: ['c0', 'c1', 'c2', 'c5'] });
  expect(await history.prune({ ...bounds, keepBatchesOf: 0 }, NOW)).toEqual({ cycles: 0, batches: 6 });
  expect(await remaining()).toEqual({ cycles: ids.slice(0, 6), batchesOf: ['c5'] });
});

test('a running daemon prunes with the bounds of its configuration', async () => {
  system.configureSmall(someCategories(2), { every: '1h', settings: { history: { keepFor: '1h' } } });
  const daemon = system.daemon();
  await daemon.cycle();
  const history = new HistoryStore(system.pool);
  await history.record(cycle('old', { startedAt: new Date(Date.now() - 2 * 3_600_000) }), [batch(0)]);
  await history.record(cycle('recent', { startedAt: new Date(Date.now() - 1_800_000) }), [batch(0)]);
  await system.queue('prune-history').add('prune-history', {});
  const line = await daemon.logged(({ message }) => message === 'history pruned');
  expect(line).toMatchObject({ cycles: 1, batches: 0, job: 'prune-history' });
  expect((await system.history()).map(({ id }) => id)).toEqual([expect.stringMatching(/^\d{8}t\d{6}-/), 'recent']);
});

test('a cycle whose beginning is recorded after its end stays ended', async () => {
  const categories = someCategories(2);
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  await daemon.cycle();
  // The plan of a cycle records its generation first: it waits for the lock while its batches and the end go on.
  const client = await system.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE forewarm.generation IN EXCLUSIVE MODE');
  const ticks = system.queue('warm');
  await ticks.add('warm', { model: 'm', trigger: 'command' });
  const { cycle: id } = await daemon.logged(
    ({ message, trigger }) => message === 'cycle complete' && trigger === 'command',
  );
  await client.query('COMMIT');
  client.release();
  await eventually('the end of the tick', async () => (await ticks.getJobCountByTypes('completed')) === 1);
  const recorded = (await system.history()).find((record) => record.id === id);
  expect(recorded).toMatchObject({ state: 'complete', computed: 2, finishedAt: expect.any(Date) });
});

test('that a cycle could not be started does not replace its end, nor its numbers', async () => {
  await migrate(system.pool);
  const history = new HistoryStore(system.pool);
  const none = { computed: 0, restored: 0, verified: 0, failed: 0, durable: 0 };
  const unstarted = {
    state: 'failed',
    generation: null,
    expected: 0,
    batches: 0,
    reason: 'timed out',
    ...none,
  } as const;
  // The reply of the queue was lost, not the jobs.
  await history.record(cycle('late', { state: 'complete' }), [batch(0)]);
  await history.record(cycle('late', unstarted));
  await history.record(cycle('early', unstarted));
  await history.record(cycle('early', { state: 'complete' }), [batch(0)]);
  const expected = {
    state: 'complete',
    generation: '0123456789ab',
    expected: 2,
    batches: 2,
    computed: 1,
    reason: null,
  };
  expect((await history.cycle('late'))?.cycle).toMatchObject(expected);
  expect((await history.cycle('early'))?.cycle).toMatchObject(expected);
  // And one that was planned, and could not be added.
  await history.record(cycle('never', { state: 'running', finishedAt: null }));
  await history.record(cycle('never', unstarted));
  expect((await history.cycle('never'))?.cycle).toMatchObject({ state: 'failed', reason: 'timed out', batches: 2 });
});

test('two migrations at once on an empty database run each step once', async () => {
  system.configureSmall(someCategories(1));
  const runs = await Promise.all([1, 2].map(() => runCommand(['migrate', '--json'], { cwd: system.folder })));
  expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: '' })));
  const ran = runs.flatMap(({ stdout }) => JSON.parse(stdout).ran as string[]);
  const names = MIGRATIONS.map(({ name }) => name);
  expect(ran.sort()).toEqual(names);
  expect(await recordedMigrations()).toEqual(names);

  const many = await Promise.all(Array.from({ length: 4 }, () => migrate(system.pool)));
  expect(many).toEqual([[], [], [], []]);
});

test('a migration that fails leaves nothing behind, and those before it stay', async () => {
  const broken = {
    name: '9999-broken',
    sql: 'CREATE TABLE forewarm.half (id int); INSERT INTO forewarm.nowhere VALUES (1)',
  };
  await expect(migrate(system.pool, [...MIGRATIONS, broken])).rejects.toMatchObject({
    code: 'FW_MIGRATION_FAILED',
    message: expect.stringMatching(/9999-broken.*forewarm\.nowhere/s),
  });
  expect(await recordedMigrations()).toEqual(MIGRATIONS.map(({ name }) => name));
  const { rows } = await system.pool.query(`SELECT to_regclass('forewarm.half') AS half`);
  expect(rows).toEqual([{ half: null }]);
  const mended = { ...broken, sql: 'CREATE TABLE forewarm.half (id int)' };
  expect(await migrate(system.pool, [...MIGRATIONS, mended])).toEqual(['9999-broken']);
});

async function remaining(): Promise<{ cycles: string[]; batchesOf: string[] }> {
  const cycles = await system.pool.query<{ id: string }>('SELECT id FROM forewarm.cycle ORDER BY id');
  const batches = await system.pool.query<{ cycle: string }>(
    'SELECT DISTINCT cycle FROM forewarm.batch ORDER BY cycle',
  );
  return { cycles: cycles.rows.map(({ id }) => id), batchesOf: batches.rows.map((row) => row.cycle) };
}

async function recordedMigrations(): Promise<string[]> {
  const { rows } = await system.pool.query<{ name: string }>('SELECT name FROM forewarm.migration ORDER BY name');
  return rows.map(({ name }) => name);
}

function cycle(id: string, more: Partial<CycleRecord>): CycleRecord {
  const generation = '0123456789ab';
  const fixed = { id, model: 'm', generation, trigger: 'schedule', state: 'complete', host: 'h' } as const;
  const rest = { finishedAt: NOW, durationMs: 10, expected: 2, batches: 2, reason: null };
  return { ...fixed, startedAt: NOW, ...rest, ...COUNTS, ...more };
}

function batch(number: number, state: BatchRecord['state'] = 'complete'): BatchRecord {
  return { number, state, categories: 1, timings: null, failures: [], failedCategories: [], error: null, ...COUNTS };
}

test('cycles come in the order in which they were begun, also when the clock was set back in between', async () => {
  await migrate(system.pool);
  const history = new HistoryStore(system.pool);
  const started = (hours: number) => ({ startedAt: new Date(NOW.getTime() + hours * 3_600_000) });
  await history.record(cycle('before', { ...started(0), state: 'running' }));
  await history.record(cycle('after', started(-1)));
  // The end of a cycle does not move it.
  await history.record(cycle('before', started(0)));
  expect((await history.lastCycles({}, 1)).map(({ id }) => id)).toEqual(['after']);
  expect((await system.history()).map(({ id }) => id)).toEqual(['before', 'after']);
  await history.prune({ keepForMs: DAY_MS, keepCycles: 1, keepBatchesOf: 1 }, NOW);
  expect((await system.history()).map(({ id }) => id)).toEqual(['after']);
});

test('cycles of before the migration that numbers them are numbered by their times', async () => {
  const numbering = MIGRATIONS.findIndex(({ name }) => name === '0005-history-order');
  expect(numbering).toBeGreaterThan(0);
  await migrate(system.pool, MIGRATIONS.slice(0, numbering));
  const insert = (id: string, hours: number) =>
    system.pool.query(
      `INSERT INTO forewarm.cycle (id, model, trigger, state, host, started_at, expected, batches)
       VALUES ($1, 'm', 'schedule', 'complete', 'here', $2, 0, 0)`,
      [id, new Date(NOW.getTime() + hours * 3_600_000)],
    );
  await insert('second', 2);
  await insert('first', 1);
  await migrate(system.pool);
  await insert('third', 0);
  expect((await system.history()).map(({ id }) => id)).toEqual(['first', 'second', 'third']);
});
