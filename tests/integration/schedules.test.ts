import { Enqueuer } from '#jobs/enqueue';
import { registry } from '#jobs/registry';
import { reviveSchedules, upsertSchedules } from '#jobs/schedule';
import { loadConfig } from '#shared/config/load';
import type { Config } from '#shared/config/types';
import { TestSystem } from '../support/system';

/** Which schedules are taken for dead, on a real queue with a clock of the test's own. */

jest.setTimeout(60_000);

const HOUR_MS = 3_600_000;

let system: TestSystem;
let enqueue: Enqueuer;
let config: Config;
let offMs: number;
let farRuns: Map<string, number>;
const clock = { now: () => Date.now() + offMs };

beforeEach(async () => {
  system = await TestSystem.start();
  config = loadConfig({ path: system.configureSmall(['a'], { every: '20s' }), environment: {} });
  enqueue = new Enqueuer(registry.definitions, system.client, 'forewarm', () => undefined);
  offMs = 0;
  farRuns = new Map();
  await upsertSchedules(registry.definitions, config, enqueue, clock, 'start');
});
afterEach(async () => {
  await enqueue.close();
  await system.stop();
});

const look = () => reviveSchedules(registry.definitions, config, enqueue, clock, farRuns);
const next = async () => (await enqueue.queue('warm').getJobScheduler('warm-m'))?.next ?? Number.NaN;

test('one whose next run is near is left alone', async () => {
  const before = await next();
  expect(await look()).toEqual([]);
  expect(await look()).toEqual([]);
  expect(await next()).toBe(before);
});

test.each([
  ['behind', HOUR_MS],
  ['ahead', -HOUR_MS],
])('one whose next run is far %s is made anew at the second look, and runs at once', async (_, off) => {
  offMs = off;
  expect(await look()).toEqual([]);
  expect(await look()).toEqual(['warm-m']);
  expect(Math.abs((await next()) - Date.now())).toBeLessThan(20_000);
  expect(await enqueue.queue('warm').getWaitingCount()).toBe(1);
});

test('one that is found far behind once, and then has moved on, is alive: the machine was asleep', async () => {
  offMs = HOUR_MS;
  expect(await look()).toEqual([]);
  offMs = 0;
  expect(await look()).toEqual([]);
  // What was seen an hour ago does not count the next time.
  offMs = HOUR_MS;
  expect(await look()).toEqual([]);
});
