import { setTimeout as delay } from 'node:timers/promises';
import { errorsIn } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A queue Redis that is out of memory and, as it must, evicts nothing: it refuses to take jobs. */

jest.setTimeout(90_000);

const categories = someCategories(24);
const FULL = '1mb';
const ROOM = '50mb';
/** Long enough to be in the middle of a cycle; many batches, so that some wait. */
const SLOW = {
  batchSize: 1,
  model: { slow: { iterations: 30_000, when: { input: 'category', equals: categories[3] ?? '' } } },
  settings: { watchdog: { every: '1s' } },
};

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ queueRedis: { args: ['--maxmemory', ROOM] } });
});
afterEach(() => system.stop());

test('filled in mid-cycle: readers do not notice, one line and /readyz say it, and with room it goes on by itself', async () => {
  system.configureSmall(categories, { every: '2s', ...SLOW });
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.computing(2);
  const reader = await system.reader(categories);
  const full = daemon.mark;
  await maxMemory(FULL);

  const line = await daemon.logged(({ message }) => message.startsWith('the queue Redis refuses writes'), {
    after: full,
  });
  expect(line).toMatchObject({ level: 'warn', error: expect.stringMatching(/^OOM command not allowed/) });
  expect(line.next).toMatch(/^Raise its maxmemory/);
  const ready = await fetch(`${await daemon.url()}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { checks: { 'redis-queue': expect.stringMatching(/^refuses writes: OOM/), 'redis-cache': 'ready' } },
  ]);
  await eventually('the memory of the queue in the metrics', async () => {
    const metrics = await (await fetch(`${await daemon.url()}/metrics`)).text();
    return metrics.includes(`forewarm_redis_max_memory_bytes{role="queue"} ${1024 ** 2}\n`);
  });
  // How long it lasts is the fault: some periods.
  await delay(6_000);
  // The cycle that ran may end in between, for scripts of the queue that free something first are let through.
  expect(daemon.lines.slice(full).filter(({ message }) => !message.startsWith('cycle '))).toHaveLength(1);

  const room = daemon.mark;
  await maxMemory(ROOM);
  await daemon.logged(({ message }) => message === 'the queue Redis takes writes again', { after: room });
  const next = await daemon.logged(
    ({ message, trigger, cycle }) =>
      message === 'cycle complete' &&
      trigger === 'schedule' &&
      !daemon.lines.slice(0, room).some((l) => l.cycle === cycle),
    { after: room },
  );
  expect(next).toMatchObject({ computed: 24, durable: 24 });
  await daemon.cycle('complete', daemon.mark);
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
  expect(await system.queue('warm').getJobSchedulers()).toHaveLength(1);
  expect(errorsIn(daemon.lines.slice(full))).toEqual([]);
  await reader.stop();
  expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
  expect(reader.answers).toBeGreaterThan(100);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('a daemon that starts on a full queue with work in it waits without a rush, and does the work when there is room', async () => {
  system.configureSmall(categories, { every: '1h', ...SLOW });
  const victim = system.daemon();
  const { id } = await system.recorded(({ state }) => state === 'running');
  await victim.computing(2);
  await victim.stop('SIGKILL');
  await maxMemory(FULL);
  const daemon = system.daemon();
  await daemon.logged(({ message }) => message.startsWith('the queue Redis refuses writes'));
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(503);
  const before = await refusals();
  await delay(3_000);
  // Without a rest between two tries a worker is refused some ten thousand times a second.
  expect((await refusals()) - before).toBeLessThan(100);
  expect(daemon.lines.filter(({ level }) => level !== 'info')).toHaveLength(1);

  await maxMemory(ROOM);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  const ended = await system.recorded((cycle) => cycle.id === id && cycle.finishedAt !== null);
  expect(ended).toMatchObject({ state: 'complete', failed: 0 });
  expect(ended.computed + ended.verified).toBe(24);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('a daemon that waits for room ends in good order', async () => {
  system.configureSmall(categories, { every: '1h' });
  await maxMemory(FULL);
  const daemon = system.daemon();
  await daemon.logged(({ message }) => message.startsWith('the queue Redis refuses writes'));
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

async function maxMemory(bytes: string): Promise<void> {
  await system.queueClient.config('SET', 'maxmemory', bytes);
}

/** Commands that were refused for want of memory. */
async function refusals(): Promise<number> {
  return Number(/errorstat_OOM:count=(\d+)/.exec(await system.queueClient.info('errorstats'))?.[1] ?? 0);
}
