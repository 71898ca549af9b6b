import { setTimeout as delay } from 'node:timers/promises';
import { PausedModels } from '#jobs/cycle/paused-models';
import type { DaemonProcess } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A Redis for each role, of which one comes back without its data: the other must not notice more than it has to. */

jest.setTimeout(90_000);

const categories = someCategories(24);
/** Longer than the lock of a job lives. */
const LONG_MS = 7_000;

let system: TestSystem;
let daemon: DaemonProcess;
let live: string;

async function start(every: string): Promise<void> {
  system = await TestSystem.start({ queueRedis: {} });
  system.configureSmall(categories, {
    every,
    batchSize: 4,
    model: { slow: { iterations: 50_000, when: { input: 'category', equals: categories[13] ?? '' } } },
    settings: { watchdog: { every: '1s' } },
  });
  daemon = system.daemon();
  live = String((await daemon.cycle()).live);
}
afterEach(() => system.stop());

test('the cache alone, in mid-cycle: filled from PostgreSQL, schedules and the cycle that runs stay', async () => {
  await start('4s');
  await daemon.computing();
  const running = await system.recorded(({ state }) => state === 'running');
  const schedules = await schedule();
  const before = await system.durableRows(live, categories);
  const reader = await system.reader(categories);
  const mark = daemon.mark;
  await system.redis.kill();
  await daemon.logged(({ message }) => message.startsWith('connection to Redis'), { after: mark });
  await system.redis.start();
  const back = performance.now();

  await eventually('every row', async () => {
    const pointer = await system.cache().pointer();
    return pointer?.generation === live && (await system.rows(live, categories)).size === 24;
  });
  // A look of the watchdog, a batch that is tried again, and what is left of the cycle.
  expect(performance.now() - back).toBeLessThan(20_000);
  const ended = await system.recorded(({ id, finishedAt }) => id === running.id && finishedAt !== null);
  expect(ended).toMatchObject({ generation: live });
  // A heal that was asked for in the meantime may come first.
  const next = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule', {
    after: daemon.mark,
  });
  expect(next).toMatchObject({ computed: 24, durable: 24, live });
  expect(await schedule()).toEqual(schedules);
  expect([...(await system.durableRows(live, categories)).keys()]).toEqual([...before.keys()]);
  const lines = daemon.lines.slice(mark);
  expect(lines.filter(({ message }) => message.startsWith('schedules'))).toEqual([]);
  expect(lines.length).toBeLessThan(40);
  await reader.stop();
  expect(reader.wrong).toEqual([]);
  for (const [what] of reader.refused) {
    expect(what).toMatch(/^FW_READ_FAILED: |^FW_NOT_WARMED: |missing, and the daemon was asked/);
  }
});

test('the cache alone, with nothing running and an hour to the next cycle: healed by the watchdog, nothing computed', async () => {
  await start('1h');
  await system.watchdogLooked(daemon);
  const before = await system.rows(live, categories);
  const mark = daemon.mark;
  await system.redis.restart();
  const heal = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'heal', {
    after: mark,
  });
  expect(heal).toMatchObject({ rows: 24, computed: 0, restored: 24, live });
  expect(await system.rows(live, categories)).toEqual(before);
});

test.each([
  ['for a moment', 0],
  ['for longer than the locks of jobs live', LONG_MS],
])('the queue alone, in mid-cycle, away %s: schedules are made anew, readers do not notice', async (_, awayMs) => {
  await start('4s');
  await daemon.computing();
  const running = await system.recorded(({ state }) => state === 'running');
  const reader = await system.reader(categories);
  const mark = daemon.mark;
  await system.queueRedis.kill();
  await daemon.logged(({ message }) => message.startsWith('connection to Redis'), { after: mark });
  await delay(awayMs);
  await system.queueRedis.start();
  const back = performance.now();

  await daemon.logged(({ message }) => message === 'schedules were gone and were made anew', { after: mark });
  const next = await daemon.cycle('complete', mark);
  expect(next).toMatchObject({ computed: 24, durable: 24, live, trigger: 'schedule' });
  expect(next.cycle).not.toBe(running.id);
  expect(performance.now() - back).toBeLessThan(20_000);
  const lost = await system.recorded(({ id, finishedAt }) => id === running.id && finishedAt !== null);
  expect(lost).toMatchObject({ state: 'failed', reason: 'its jobs vanished from the queue' });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'schedule', computed: 24 });
  expect(Object.keys(await schedule()).sort()).toEqual(['prune-history-all', 'warm-m']);
  await reader.stop();
  expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('the queue alone takes along which models were paused: they run again', async () => {
  await start('2s');
  expect(await new PausedModels(system.queueClient, 'forewarm').pause('m', new Date())).toBe(true);
  await eventually('the last cycle to end', async () => (await system.queue('publish').getActiveCount()) === 0);
  const mark = daemon.mark;
  await system.queueRedis.restart();
  expect(await daemon.cycle('complete', mark)).toMatchObject({ trigger: 'schedule', computed: 24 });
  expect(await new PausedModels(system.queueClient, 'forewarm').since('m')).toBeUndefined();
});

/** The periods of the schedules, by their ids. */
async function schedule(): Promise<Record<string, unknown>> {
  const of = async (job: string) => (await system.queue(job).getJobSchedulers()).map(({ key, every }) => [key, every]);
  return Object.fromEntries([...(await of('prune-history')), ...(await of('warm'))]);
}
