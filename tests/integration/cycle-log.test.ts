import { stripVTControlCharacters as strip } from 'node:util';
import { CycleLogStore } from '#shared/store/cycle-log-store';
import { migrate } from '#shared/store/migrate';
import { say } from '../slow/cli/command';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** Why a cycle failed is in its own log, from whatever processes worked on it. */

jest.setTimeout(90_000);

const categories = someCategories(6);
const BAD = categories[4] ?? '';

let system: TestSystem;
beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 }, watchdog: { every: '1s' } } });
});
afterEach(() => system.stop());

const linesOf = async (cycle: string) => new CycleLogStore(system.pool).of(cycle);

test('a cycle that two daemons worked on, and a row that failed: the lines of both, in their order', async () => {
  const poison = { poison: { input: 'category', equals: BAD } };
  system.configureSmall(categories, { every: '1s', batchSize: 2, model: poison });
  const scheduler = system.daemon(['start', '--roles', 'scheduler']);
  const worker = system.daemon(['start', '--roles', 'worker']);
  const { cycle } = await scheduler.cycle('degraded');
  const id = String(cycle);
  const all = await eventually('the lines of both', async () => {
    const lines = await linesOf(id);
    return (
      new Set(lines.map(({ pid }) => pid)).size === 2 &&
      lines.some(({ message }) => message === 'cycle degraded') &&
      lines
    );
  });
  expect(all.map(({ at }) => at.getTime())).toEqual(all.map(({ at }) => at.getTime()).sort((a, b) => a - b));
  const failed = all.find(({ message }) => message === 'batch ended, not whole');
  expect(failed).toMatchObject({ pid: worker.pid, facts: { failures: [{ category: BAD }], computed: 1, failed: 1 } });
  expect(all.find(({ message }) => message === 'cycle planned')?.pid).toBe(scheduler.pid);

  const shown = await say(['cycles', 'show', id, '--logs'], system.folder);
  const text = strip(shown.stdout);
  expect(text).toContain('log, of 2 processes');
  expect(text).toMatch(new RegExp(`/${worker.pid} \\S+ debug batch ended, not whole .*${BAD}`));
  expect(text).toMatch(
    new RegExp(`/${scheduler.pid} \\S+ error cycle degraded|/${scheduler.pid} \\S+ warn +cycle degraded`),
  );
  const { logs } = JSON.parse((await say(['cycles', 'show', id, '--logs', '--json'], system.folder)).stdout);
  expect(logs).toHaveLength(all.length);
  // Who does not ask for it is told that it is there.
  expect((await say(['cycles', 'show', id], system.folder)).stdout).toMatch(/--logs\n$/);
});

test('each of several cycles that fail alike has its reason, though the log says it once', async () => {
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  await daemon.cycle();
  system.write('m.onnx', 'half of a file');
  const failed = await eventually('two cycles that failed', async () => {
    const cycles = (await system.history().catch(() => [])).filter(({ state }) => state === 'failed');
    return cycles.length >= 2 && cycles;
  });
  for (const { id } of failed) {
    const lines = await eventually(`the log of ${id}`, async () => {
      const found = await linesOf(id);
      return found.length > 0 && found;
    });
    expect(lines).toMatchObject([{ level: 'error', facts: { code: 'FW_MODEL_NOT_ONNX' } }]);
  }
  // A file that is right, or the daemon would leave the model alone.
  system.write('m.onnx', smallModel(categories, { bias: 1 }));
  await daemon.cycle('complete', daemon.mark);
});

test('pruning keeps the lines of the last cycles, and of those that failed as long as they are kept', async () => {
  await migrate(system.pool);
  await system.pool.query(`
    INSERT INTO forewarm.cycle (id, model, trigger, state, host, started_at, expected, batches)
    SELECT 'c' || n, 'm', 'schedule', CASE n WHEN 3 THEN 'failed' ELSE 'complete' END, 'here', now(), 1, 1
    FROM generate_series(1, 10) AS n`);
  const store = new CycleLogStore(system.pool);
  const line = (cycle: string, at = new Date()) =>
    ({ cycle, at, host: 'h', pid: 1, line: 0, level: 'info', message: 'said', facts: {} }) as const;
  const hours = (n: number) => new Date(Date.now() - n * 3_600_000);
  await store.add(Array.from({ length: 10 }, (_, i) => line(`c${i + 1}`)));
  await store.add([line('not begun'), line('not begun, old', hours(200)), line('dropped', hours(30))]);
  // The same lines once more, as after an answer that was lost.
  await store.add([line('c1', hours(0))]);
  const bounds = { keepLogsOf: 2, keepForMs: 168 * 3_600_000 };
  await store.prune(bounds, new Date());
  const { rows } = await system.pool.query<{ cycle: string }>(
    'SELECT DISTINCT cycle FROM forewarm.cycle_log ORDER BY cycle',
  );
  expect(rows.map(({ cycle }) => cycle)).toEqual(['c10', 'c3', 'c9', 'not begun']);
  const plan = await system.pool.query(
    `EXPLAIN SELECT * FROM forewarm.cycle_log WHERE cycle = 'c3' ORDER BY at, host, pid, line`,
  );
  expect(JSON.stringify(plan.rows)).toContain('cycle_log_pkey');
});

test('while PostgreSQL is away cycles go on, and their lines are there afterwards', async () => {
  await system.stop();
  system = await TestSystem.start({ ownPostgres: true, settings: { inference: { processes: 1 } } });
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  await daemon.cycle();
  await system.postgres.kill();
  const { cycle } = await daemon.cycle('degraded', daemon.mark);
  await daemon.cycle('degraded', daemon.mark);
  await system.postgres.restart();
  const lines = await eventually('the lines of that cycle', async () => {
    const found = await linesOf(String(cycle)).catch(() => []);
    return found.some(({ message }) => message === 'cycle degraded') && found;
  });
  expect(lines.some(({ facts }) => String(facts.durableError ?? '').includes('writing'))).toBe(true);
});
