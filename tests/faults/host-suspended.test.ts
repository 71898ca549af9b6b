import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type DaemonProcess, errorsIn, withDescendants } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A machine that sleeps: everything on it is stopped in the same moment, and goes on later as if nothing had been. */

jest.setTimeout(120_000);

const categories = someCategories(8);
const PERIOD_MS = 2_000;
/** Several periods, longer than a lock lasts, and longer than a batch may take below. */
const ASLEEP_MS = 15_000;

let system: TestSystem;
let listener: Redis | undefined;

beforeEach(async () => {
  system = await TestSystem.start({ ownPostgres: true });
});
afterEach(async () => {
  listener?.disconnect();
  await system.stop();
});

test('after a sleep between two cycles one cycle follows for all that were missed, and nobody raises an alarm', async () => {
  system.configureSmall(categories, { every: '2s', batchSize: 4, settings: { watchdog: { every: '1s' } } });
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule');
  const mark = daemon.mark;
  const awake = await asleep(daemon);
  const later = await eventually('four cycles', async () => {
    const cycles = (await system.history()).filter(({ startedAt }) => startedAt >= awake);
    return cycles.filter(({ state }) => state === 'complete').length >= 4 && cycles;
  });
  // What is overdue once, and then the next slots of the same grid.
  const starts = later.map(({ startedAt }) => startedAt.getTime() - awake.getTime());
  expect(starts.filter((start) => start < PERIOD_MS).length).toBeLessThanOrEqual(2);
  expect(starts.filter((start) => start < 2 * PERIOD_MS).length).toBeLessThanOrEqual(3);
  expect(later.map(({ state }) => state).slice(0, 4)).toEqual(Array(4).fill('complete'));
  expectCalm(daemon, mark, 4);
});

test('a batch that was computing goes on and is not computed twice, though its locks and limits ran out', async () => {
  system.configureSmall(categories, {
    model: { slow: { iterations: 300_000, when: { input: 'category', equals: categories[5] ?? '' } } },
    ...{ every: '1h', batchSize: 4 },
    settings: { inference: { processes: 2, timeLimit: '12s' } },
  });
  const written = await countWrites();
  const daemon = system.daemon();
  // The other batch is written, and this one has done with its stores until it has computed.
  await eventually('the quick batch', () => Object.keys(written()).length === 4);
  const computing = await daemon.computing(20);
  const mark = daemon.mark;
  await asleep(daemon);
  const cycle = await daemon.cycle();
  expect(cycle).toMatchObject({ rows: 8, computed: 8, durable: 8, batches: 2 });
  await eventually('the queue to be done', async () => {
    const counts = await system.queue('warm-batch').getJobCounts('wait', 'active', 'delayed', 'failed');
    return Object.values(counts).every((count) => count === 0);
  });
  expect(written()).toEqual(Object.fromEntries(categories.map((category) => [category, 1])));
  expect((await system.history()).map(({ state, computed }) => [state, computed])).toEqual([['complete', 8]]);
  // It is the same process: nobody took its time at rest for work.
  expect(await daemon.children()).toContain(computing);
  expect(daemon.lines.map(({ message }) => message)).not.toContain('inference process lost; it is replaced');
  expectCalm(daemon, mark, 1);
});

/** Stops daemon, processes and servers for a while; answers when they went on. */
async function asleep(daemon: DaemonProcess): Promise<Date> {
  const roots = [daemon.pid, system.redis.pid ?? -1, system.postgres.pid ?? -1];
  const stopped = await withDescendants(roots);
  const tell = (signal: NodeJS.Signals): void => {
    for (const pid of stopped) process.kill(pid, signal);
  };
  tell('SIGSTOP');
  await sleep(ASLEEP_MS);
  const awake = new Date();
  tell('SIGCONT');
  return awake;
}

/** How often each category's row was written, as readers hear of it. */
async function countWrites(): Promise<() => Record<string, number>> {
  const written: Record<string, number> = {};
  listener = system.client.duplicate();
  listener.on('message', (_channel, message: string) => {
    const event = JSON.parse(message);
    if (event.type !== 'rows') return;
    for (const category of event.categories) written[category] = (written[category] ?? 0) + 1;
  });
  await listener.subscribe(system.cache().keys.events);
  return () => written;
}

/** A line for each cycle and a few more; nothing that calls somebody out of bed. */
function expectCalm(daemon: DaemonProcess, mark: number, cycles: number): void {
  const lines = daemon.lines.slice(mark);
  expect(errorsIn(lines)).toEqual([]);
  const others = lines.filter(({ message }) => !message.startsWith('cycle '));
  expect(others.map(({ message }) => message)).not.toContain('schedules did not run and were made anew');
  expect(others.length).toBeLessThanOrEqual(6);
  expect(lines.length - others.length).toBeLessThanOrEqual(cycles + 3);
}
