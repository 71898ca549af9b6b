import { errorsIn, type LogLine } from '../support/daemon-process';
import { metricOf } from '../support/metrics';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A PostgreSQL that goes away while cycles come, and comes back. */

jest.setTimeout(90_000);

const categories = someCategories(40);
const BACKLOG = 'forewarm_history_backlog';
/** Long enough to be in the middle of a cycle. */
const SLOW = {
  batchSize: 10,
  model: { slow: { iterations: 30_000, when: { input: 'category', equals: categories[20] ?? '' } } },
};

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ ownPostgres: true });
});
afterEach(() => system.stop());

test('away for three cycles: they say so, and when it is back rows and cycles are recorded, none is missing', async () => {
  system.configureSmall(categories, { every: '2s', batchSize: 10, settings: { watchdog: { every: '1s' } } });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await system.recorded(({ state }) => state === 'complete');
  const reader = await system.reader(categories);
  const away = daemon.mark;
  await system.postgres.kill();

  const degraded: LogLine[] = [];
  for (let after = away; degraded.length < 3; after = daemon.lines.indexOf(degraded.at(-1) as LogLine) + 1) {
    degraded.push(await daemon.cycle('degraded', after));
  }
  for (const line of degraded) {
    expect(line).toMatchObject({ level: 'warn', live, computed: 40, trigger: 'schedule' });
    expect(line.durable).toBeLessThan(40);
    expect(line.reason).toMatch(/^Postgres was not written by \d+ batch(es)?: /);
  }
  expect(await metricOf(daemon, BACKLOG)).toBeGreaterThanOrEqual(3);
  expect(await system.cache().missing(String(live), categories)).toEqual([]);
  const lines = daemon.lines.slice(away);
  expect(errorsIn(lines)).toEqual([]);
  // One for each cycle, and one for each way in which a server can be away.
  expect(lines.filter(({ message }) => !message.startsWith('cycle ')).length).toBeLessThan(10);

  const back = daemon.mark;
  await system.postgres.start();
  const late = await daemon.logged(({ message }) => message.startsWith('cycles were recorded late'), { after: back });
  expect(late.cycles).toBeGreaterThanOrEqual(3);
  expect(await daemon.cycle('complete', back)).toMatchObject({ computed: 40, durable: 40, live });
  await reader.stop();
  expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });

  const [rows, durable] = await Promise.all([
    system.rows(String(live), categories),
    system.durableRows(String(live), categories),
  ]);
  expect(rows.size).toBe(40);
  expect(durable).toEqual(rows);
  // Every cycle that the log tells of is in the history as the log tells it.
  const history = new Map((await system.history()).map((cycle) => [cycle.id, cycle]));
  const told = daemon.lines.filter(({ message }) => /^cycle (complete|degraded|skipped)$/.test(message));
  expect(told.length).toBeGreaterThanOrEqual(5);
  for (const { cycle, message, reason = null } of told) {
    expect(history.get(String(cycle))).toMatchObject({ state: message.slice('cycle '.length), reason });
  }
  const { rows: batches } = await system.pool.query(
    'SELECT state, error FROM forewarm.batch WHERE cycle = $1 ORDER BY number',
    [degraded[1]?.cycle],
  );
  expect(batches).toHaveLength(4);
  for (const { state, error } of batches) expect([state, error]).toEqual(['degraded', expect.any(String)]);
  expect([...history.values()].filter(({ state }) => state === 'running')).toEqual([]);
  // Those that were recorded late are not listed after those that came later.
  const begun = [...history.values()].map(({ startedAt }) => startedAt.getTime());
  expect(begun).toEqual([...begun].sort((a, b) => a - b));
});

test.each([
  ['is back: it records what it has kept', true],
  ['is away: it tells what the history will lack', false],
])('a daemon that ends while PostgreSQL %s', async (_, back) => {
  // No look of the watchdog comes in between.
  system.configureSmall(categories, { every: '1h', ...SLOW, settings: { watchdog: { every: '1h' } } });
  const daemon = system.daemon();
  const { id } = await system.recorded(({ state }) => state === 'running');
  await daemon.computing(2);
  await system.postgres.kill();
  const ended = await daemon.cycle('degraded');
  const mark = daemon.mark;
  if (back) await system.postgres.start();
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  const lines = daemon.lines.slice(mark).map(({ message, cycles }) => [message, cycles]);
  if (back) {
    expect(lines).toContainEqual(['cycles were recorded late: PostgreSQL is back', 1]);
    expect(await system.history()).toMatchObject([{ id, state: 'degraded', computed: 40, reason: ended.reason }]);
  } else {
    expect(lines).toContainEqual(['the run history will lack cycles: PostgreSQL is away, and the daemon ends', 1]);
  }
});

test('a cycle whose end could not be recorded is not taken for lost, also with a period of an hour', async () => {
  system.configureSmall(categories, {
    every: '1h',
    ...SLOW,
    settings: { watchdog: { every: '1s' } },
  });
  const daemon = system.daemon();
  const { id } = await system.recorded(({ state }) => state === 'running');
  await daemon.computing(2);
  await system.postgres.kill();
  const ended = await daemon.logged(({ message }) => message.startsWith('cycle '));
  expect(ended).toMatchObject({ message: 'cycle degraded', cycle: id });
  await system.postgres.start();
  // Without another cycle to bring it along.
  const record = await system.recorded((cycle) => cycle.id === id && cycle.finishedAt !== null);
  expect(record).toMatchObject({ state: 'degraded', computed: 40, reason: ended.reason });
  await eventually('nothing to wait', async () => (await metricOf(daemon, BACKLOG)) === 0);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});
