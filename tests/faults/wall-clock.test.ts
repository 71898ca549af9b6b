import type { CycleRecord } from '#shared/store/history-store';
import { say } from '../slow/cli/command';
import { type DaemonProcess, errorsIn } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';
import { FAKETIME_LIBRARY, WallClock } from '../support/wall-clock';

/** The wall clock of the daemon's machine is set while it runs; those of its servers stay right. */

jest.setTimeout(120_000);

const categories = someCategories(8);
const HOUR_MS = 3_600_000;
/** Without the library these tests are left out, and seen to be. */
const testWithClock = FAKETIME_LIBRARY === undefined ? test.skip : test;

let system: TestSystem;
let clock: WallClock;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1s' } } });
  clock = new WallClock();
});
afterEach(async () => {
  await system.stop();
  clock.remove();
});

testWithClock.each([
  ['back', -HOUR_MS],
  ['forward', HOUR_MS],
])('set %s by an hour and right again: cycles go on, and rows, history and ages stay right', async (_, offsetMs) => {
  system.configureSmall(categories, { every: '1s', batchSize: 4 });
  const daemon = system.daemon(['start'], clock.env);
  await daemon.cycle();
  await cycles(daemon, 2);
  for (const offset of [offsetMs, 0]) {
    const mark = daemon.mark;
    clock.set(offset);
    const set = clock.now();
    // Those that had begun are among the first.
    await cycles(daemon, 5);
    await expectFresh(daemon, set);
    const lines = daemon.lines.slice(mark);
    expect(errorsIn(lines)).toEqual([]);
    // On a busy machine a period may be too short.
    const warnings = lines.filter(({ level, message }) => level === 'warn' && message !== 'cycle skipped');
    expect(warnings.length).toBeLessThanOrEqual(3);
  }
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  await expectDurable();
  const history = await system.history();
  const ended = daemon.lines.filter(({ message }) => message === 'cycle complete');
  // As they came, though the times at which they began go up and down.
  expect(history.filter(({ state }) => state === 'complete').map(({ id }) => id)).toEqual(
    ended.map(({ cycle }) => cycle),
  );
  for (const { durationMs } of history) expect(durationMs ?? 0).toBeGreaterThanOrEqual(0);
});

testWithClock('a batch that waits for its retry when the clock is set back is retried soon', async () => {
  system.configureSmall(categories, {
    model: { slow: { iterations: 400_000, when: { input: 'category', equals: categories[5] ?? '' } } },
    ...{ every: '1h', batchSize: 4 },
  });
  const daemon = system.daemon(['start'], clock.env);
  await system.recorded(({ state }) => state === 'running');
  process.kill(await daemon.computing(), 'SIGKILL');
  const batches = system.queue('warm-batch');
  await eventually('the batch to wait', async () => (await batches.getDelayedCount()) > 0);
  clock.set(-HOUR_MS);
  expect(await daemon.cycle()).toMatchObject({ rows: 8, computed: 8, durable: 8 });
  // Killed, it would leave the memory in which the library shares the time with its processes.
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

/** So many cycles from now on. */
async function cycles(daemon: DaemonProcess, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await daemon.cycle('complete', daemon.mark);
}

/** What people and readers see goes by the clock as it is set. */
async function expectFresh(daemon: DaemonProcess, set: Date): Promise<void> {
  const { stdout } = await say(['status', '--json'], system.folder, clock.env);
  const [status] = JSON.parse(stdout).models;
  expect(status).toMatchObject({ stale: false, rows: 8 });
  expect(status.ageMs).toBeGreaterThanOrEqual(0);
  expect(Date.parse(status.lastUpdated)).toBeGreaterThanOrEqual(set.getTime());
  const newest = status.cycles.map(({ id }: CycleRecord) => id);
  const ended = daemon.lines.filter(({ message }) => message.startsWith('cycle ')).map(({ cycle }) => cycle);
  expect(ended).toEqual(expect.arrayContaining(newest.slice(1)));
  expect(ended.indexOf(newest[1])).toBeGreaterThan(ended.indexOf(newest[2]));

  const args = ['predict', '--json', '--category', categories[0] ?? '', 'day=1', 'hour=2'];
  const answer = JSON.parse((await say(args, system.folder, clock.env)).stdout);
  expect(answer.ageMs).toBeGreaterThanOrEqual(0);
  expect(answer.stale).toBe(false);
  expect(Date.parse(answer.computedAt)).toBeGreaterThanOrEqual(set.getTime());
}

/** The durable copy is that of the last cycle, whatever time it bears. */
async function expectDurable(): Promise<void> {
  const generation = (await system.cache().pointer())?.generation ?? '';
  expect(await system.durableRows(generation, categories)).toEqual(await system.rows(generation, categories));
}
