import type { Job, JobType } from 'bullmq';
import { cancelCycle } from '#jobs/cycle/cancel-cycle';
import { batchId, newCycleId } from '#jobs/cycle/cycle-id';
import { PausedModels } from '#jobs/cycle/paused-models';
import { RunningCycles } from '#jobs/cycle/running-cycles';
import { Enqueuer, queuePrefix } from '#jobs/enqueue';
import { requestWarm, type WarmRequest } from '#jobs/on-demand';
import { registry } from '#jobs/registry';
import type { CacheEvent } from '#shared/cache/events';
import type { DaemonProcess } from '../support/daemon-process';
import { untilGone } from '../support/servers/until-gone';
import { eventually, someCategories, TestSystem } from '../support/system';

/**
 * What the loop keeps in the queue's Redis is bounded: the jobs that ended last, which say so themselves, and what there is
 * once for each queue and model. Nothing else of a cycle stays, however it ended.
 */

jest.setTimeout(120_000);

const categories = someCategories(8);
// Not the first: that one is what a model is tried with.
const [, SLOW = '', BAD = ''] = categories;
const ENDED: readonly JobType[] = ['completed', 'failed'];
const PENDING: readonly JobType[] = ['wait', 'active', 'prioritized', 'delayed', 'waiting-children'];

/** Beyond what any lock of a queue lives. */
const SECONDS_MS = 60_000;

let system: TestSystem;
let enqueue: Enqueuer;
let cycles: RunningCycles;

beforeEach(async () => {
  system = await TestSystem.start();
  enqueue = new Enqueuer(registry.definitions, system.client, 'forewarm', () => undefined);
  cycles = new RunningCycles(system.client, 'forewarm');
});
afterEach(async () => {
  await enqueue.close();
  await system.stop();
});

test('the number of keys does not grow with the number of cycles, whatever becomes of them', async () => {
  system.configureSmall(categories, {
    model: {
      poison: { input: 'category', equals: BAD },
      slow: { iterations: 150_000, when: { input: 'category', equals: SLOW } },
    },
    ...{ every: '1h', batchSize: 1, settings: { inference: { processes: 1 } } },
  });
  const daemon = system.daemon();
  await daemon.cycle('degraded');
  await everyEnd(daemon, categories[3] ?? '');
  await idle();
  const before = new Set(await standingKeys());
  for (const category of categories.slice(4, 6)) await everyEnd(daemon, category);
  await idle();

  expect(await untilGone(async () => (await standingKeys()).filter((key) => !before.has(key)))).toEqual([]);
  for (const job of await jobs(ENDED)) {
    const { removeOnComplete, removeOnFail } = job.opts;
    const bound = { count: expect.any(Number) };
    // A batch that ended well is gone at once.
    const kept = job.queueName === 'warm-batch' ? true : expect.objectContaining(bound);
    expect([job.queueName, removeOnComplete, removeOnFail]).toEqual([
      job.queueName,
      kept,
      expect.objectContaining(bound),
    ]);
  }
});

test('of the jobs that ended, the last hundred stay', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  await daemon.cycle();
  await new PausedModels(system.client, 'forewarm').pause('m', new Date());
  for (let i = 0; i < 120; i++) await enqueue.add('warm', { model: 'm', trigger: 'schedule' });
  await idle();
  expect(await enqueue.queue('warm').getJobCounts(...ENDED)).toEqual({ completed: 100, failed: 0 });
  const hashes = await system.client.keys(`${queuePrefix('forewarm')}:warm:[0-9]*`);
  expect(hashes).toHaveLength(100);
});

test('nothing can be asked of a cycle that has ended: there would be nobody to take it back', async () => {
  const keys = () => system.client.keys('*');
  expect(await cycles.wantNext('m', 'heal')).toBe(false);
  expect(await cycles.cancel('m', 'one')).toBe(false);
  expect(await keys()).toEqual([]);

  expect(await cycles.claim('m', 'one')).toBe(true);
  expect(await cycles.wantNext('m', 'heal')).toBe(true);
  expect(await cycles.wantNext('m', 'schedule')).toBe(true);
  expect(await cycles.wantNext('m', 'heal')).toBe(true);
  expect(await cycles.cancel('m', 'other')).toBe(false);
  expect(await cycles.cancel('m', 'one')).toBe(true);
  expect([await cycles.isCancelled('one'), await cycles.isCancelled('other')]).toEqual([true, false]);

  // Late, of one that lost the model.
  await cycles.release('m', 'other');
  expect(await cycles.holder('m')).toBe('one');
  await cycles.release('m', 'one');
  const granted: string[] = [];
  await cycles.grantNext('m', async (trigger) => granted.push(trigger));
  expect(granted).toEqual(['schedule']);
  expect(await keys()).toEqual([]);
});

/** One cycle of each end: complete, skipped, cancelled, healed, retried, failed; over rows that differ from call to call. */
async function everyEnd(daemon: DaemonProcess, category: string): Promise<void> {
  const mark = daemon.mark;
  const ended = (trigger: string) =>
    daemon.logged((line) => line.message.startsWith('cycle ') && line.trigger === trigger, { after: mark });
  const ask = (request: Omit<WarmRequest, 'model'>, trigger: 'command' | 'dashboard' | 'retry') =>
    requestWarm(enqueue, { categories }, { model: 'm', ...request }, trigger);
  const { keys } = system.cache();
  const generation = (await system.cache().pointer())?.generation ?? '';

  await ask({ categories: [category] }, 'dashboard');
  expect(await ended('dashboard')).toMatchObject({ message: 'cycle complete', rows: 1 });

  // The slow batch is an early one: while it runs, there is time for the others.
  await ask({ force: true }, 'command');
  await daemon.computing();
  const id = (await cycles.holder('m')) ?? '';
  await enqueue.add('warm', { model: 'm', trigger: 'schedule' });
  await daemon.logged(({ message }) => message === 'cycle skipped', { after: mark });
  await system.client.del(keys.row(generation, category));
  const missing: CacheEvent = { type: 'missing', generation, categories: [category] };
  await system.client.publish(keys.events, JSON.stringify(missing));
  await daemon.logged(({ message }) => message === 'healing missing rows', { after: mark });
  await cancelCycle(cycles, ['m'], id);
  expect(await ended('command')).toMatchObject({ message: 'cycle cancelled', cycle: id });
  expect(await ended('heal')).toMatchObject({ restored: 1 });

  await ask({ categories: [BAD] }, 'retry');
  expect(await ended('retry')).toMatchObject({ message: 'cycle failed', rows: 1 });
  await cycleOfFailedBatch(daemon, category);
}

/** A batch whose model file is another on this machine; it is tried again, and its job stays to be looked at. */
async function cycleOfFailedBatch(daemon: DaemonProcess, category: string): Promise<void> {
  const cycle = newCycleId(Date.now());
  await eventually('the model to be free', () => cycles.claim('m', cycle));
  const common = { cycle, model: 'm', generation: '0123456789ab', copyKept: false };
  const one = { trigger: 'command', startedAtMs: Date.now(), batchSizes: [1], batchStarts: [category], whole: null };
  const batch = { ...common, number: 0, mode: 'compute', categories: [category] };
  const children = [{ id: batchId(cycle, 0), payload: batch }];
  await enqueue.addFlow('publish', { id: cycle, payload: { ...common, ...one } }, 'warm-batch', children);
  await daemon.logged((line) => line.message === 'cycle failed' && line.cycle === cycle);
}

/** Waits until no job is to end but those of the schedules. */
async function idle(): Promise<void> {
  await eventually('the end of all jobs', async () => (await jobs(PENDING)).every(({ repeatJobKey }) => repeatJobKey));
}

async function jobs(states: readonly JobType[]): Promise<Job[]> {
  const found = registry.definitions.map(({ name }) => enqueue.queue(name).getJobs([...states]));
  return (await Promise.all(found)).flat();
}

/** All keys but those of jobs that a queue still lists, and those that go by themselves within seconds, such as locks. */
async function standingKeys(): Promise<string[]> {
  const listed = new Set((await jobs([...ENDED, ...PENDING])).map(({ queueName, id }) => keyOf(queueName, id)));
  const found = await system.client.keys('*');
  // What belongs to a job has its key and a last part.
  const keys = found.filter((key) => !listed.has(key) && !listed.has(key.slice(0, key.lastIndexOf(':'))));
  const expiries = await Promise.all(keys.map((key) => system.client.pttl(key)));
  return keys.filter((_, i) => expiries[i] === -1 || Number(expiries[i]) > SECONDS_MS);
}

function keyOf(queue: string, id = ''): string {
  return `${queuePrefix('forewarm')}:${queue}:${id}`;
}
