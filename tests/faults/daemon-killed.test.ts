import type { CycleRecord } from '#shared/store/history-store';
import { type DaemonProcess, errorsIn, withDescendants } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** `kill -9` of a daemon that has one role, while the other role and another daemon live on. */

jest.setTimeout(120_000);

const categories = someCategories(8);
/** From the kill to the end of the cycle: what is promised. */
const RECOVERY_MS = 15_000;
const PERIOD_MS = 2_000;

let system: TestSystem;

const one = { inference: { processes: 1 } };

afterEach(() => system.stop());

const withRole = (role: 'scheduler' | 'worker') => system.daemon(['start', '--roles', role]);

test('a worker killed in mid-cycle: the other does its batch, and the cycle ends once, within 15 seconds', async () => {
  system = await TestSystem.start({ settings: one });
  system.configureSmall(categories, { model: { slow: { iterations: 30_000 } }, every: '1h', batchSize: 1 });
  const published = await countPublished();
  const [victim, other] = [withRole('worker'), withRole('worker')];
  await running([victim, other]);
  const scheduler = withRole('scheduler');
  await victim.computing();
  await victim.stop('SIGKILL');
  const killed = performance.now();
  const cycle = await scheduler.cycle();
  expect(performance.now() - killed).toBeLessThan(RECOVERY_MS);

  // The row of the interrupted batch may have reached the cache: then it is kept, and copied.
  const { computed, verified = 0 } = cycle;
  expect(cycle).toMatchObject({ rows: 8, durable: 8, batches: 8 });
  expect(Number(computed) + Number(verified)).toBe(8);
  await other.logged(({ message, job }) => message === 'a job was interrupted and runs again' && job === 'warm-batch');
  const generation = String(cycle.live);
  expect((await system.rows(generation, categories)).size).toBe(8);
  expect((await system.durableRows(generation, categories)).size).toBe(8);
  await expectEachOnce([scheduler, other], 1);
  expect(published()).toEqual([generation]);
  const statement = 'SELECT number, state, computed + verified AS done FROM forewarm.batch ORDER BY number';
  const { rows } = await system.pool.query(statement);
  expect(rows).toEqual(categories.map((_, number) => ({ number, state: 'complete', done: 1 })));
});

test('a scheduler killed between two ticks: another goes on within a period, with one tick a period', async () => {
  system = await TestSystem.start({ settings: one });
  system.configureSmall(categories, { every: '2s', batchSize: 4 });
  const [victim, other] = [withRole('scheduler'), withRole('scheduler')];
  const worker = withRole('worker');
  await running([victim, other, worker]);
  await system.recorded(({ trigger, state }) => trigger === 'schedule' && state === 'complete');
  const before = await lastEnded();
  await victim.stop('SIGKILL');
  const later = await eventually('five more cycles', async () => {
    const cycles = (await system.history()).filter(({ startedAt }) => startedAt > before.startedAt);
    return cycles.filter(({ state }) => state === 'complete').length >= 5 && cycles;
  });
  const starts = [before, ...later].map(({ startedAt }) => startedAt.getTime());
  // When a tick gets its turn varies; that none is left out and none comes twice does not.
  for (const gap of gaps(starts)) {
    expect(gap).toBeGreaterThan(PERIOD_MS / 2);
    expect(gap).toBeLessThan(2 * PERIOD_MS);
  }
  expect(new Set(later.map(({ trigger }) => trigger))).toEqual(new Set(['schedule']));
  expect(errorsIn(other.lines)).toEqual([]);
});

test('a scheduler killed while it publishes: another ends the cycle, and it is published once', async () => {
  const postgres = { connectTimeout: '3s', statementTimeout: '3s' };
  system = await TestSystem.start({ ownPostgres: true, settings: one });
  // Long enough to be killed in the middle of: the history is on a server that does not answer.
  system.configureSmall(categories, {
    ...{ every: '1h', batchSize: 4 },
    settings: { postgres: { url: system.postgresUrl, ...postgres } },
  });
  const published = await countPublished();
  const [victim, other] = [withRole('scheduler'), withRole('scheduler')];
  const paused = system.queue('publish');
  await paused.pause();
  await running([victim, other, withRole('worker')]);
  await eventually('all batches to be done', async () => (await paused.getWaitingCount()) === 1);
  // Which of the two takes it is not known before.
  other.signal('SIGSTOP');
  const database = await withDescendants([system.postgres.pid ?? -1]);
  for (const pid of database) process.kill(pid, 'SIGSTOP');
  await paused.resume();
  await eventually('the pointer', async () => (await system.cache().pointer()) !== undefined);
  await victim.stop('SIGKILL');
  for (const pid of database) process.kill(pid, 'SIGCONT');
  other.signal('SIGCONT');
  const cycle = await other.cycle();
  expect(cycle).toMatchObject({ rows: 8, computed: 8, durable: 8 });
  await expectEachOnce([victim, other], 1);
  expect(published()).toEqual([cycle.live]);
});

async function running(daemons: readonly DaemonProcess[]): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.logged(({ message }) => message === 'forewarm is running')));
}

/** Generations as readers hear of them being published. */
async function countPublished(): Promise<() => string[]> {
  const generations: string[] = [];
  const listener = system.client.duplicate();
  listener.on('message', (_channel, message: string) => {
    const event = JSON.parse(message);
    if (event.type === 'published') generations.push(event.generation);
  });
  await listener.subscribe(system.cache().keys.events);
  return () => {
    listener.disconnect();
    return generations;
  };
}

/** One line and one record for each cycle, whoever wrote them. */
async function expectEachOnce(daemons: readonly DaemonProcess[], count: number): Promise<void> {
  const lines = daemons.flatMap((daemon) => daemon.lines).filter(({ message }) => message.startsWith('cycle '));
  const cycles = await system.history();
  expect(cycles).toHaveLength(count);
  expect(lines.map(({ cycle }) => cycle).sort()).toEqual(cycles.map(({ id }) => id).sort());
}

async function lastEnded(): Promise<CycleRecord> {
  const [last] = (await system.history()).filter(({ state }) => state === 'complete').slice(-1);
  if (last === undefined) throw new Error('no cycle has ended');
  return last;
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}
