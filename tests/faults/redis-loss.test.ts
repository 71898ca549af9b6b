import { errorsIn } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A Redis that loses everything: rows, pointer, schedules and the limit of one tick at a time, all without an error. */

jest.setTimeout(90_000);

const categories = someCategories(20);
const SETTINGS = { watchdog: { every: '1s' } };

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('a Redis that is emptied under a running daemon is filled from PostgreSQL, and its schedule made anew', async () => {
  system.configureSmall(categories, { every: '2s', settings: SETTINGS });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule');
  const before = daemon.mark;
  await system.client.flushall();

  const healed = await daemon.cycle('complete', before);
  expect(healed).toMatchObject({ rows: 20, computed: 0, restored: 20, live });
  await daemon.logged(({ message }) => message === 'schedules were gone and were made anew', { after: before });
  await expectServed(String(live));
  await expectScheduled();

  const next = await daemon.logged(
    ({ message, trigger, computed }) => message === 'cycle complete' && trigger === 'schedule' && computed === 20,
    { after: before },
  );
  expect(next.live).toBe(live);
  expect(daemon.lines.slice(before).length).toBeLessThan(15);
  expect(errorsIn(daemon.lines.slice(before))).toEqual([]);
});

test('with a long period the cache is healed by the watchdog, not by the next tick', async () => {
  system.configureSmall(categories, { every: '1h', settings: SETTINGS });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await watched();
  const before = daemon.mark;
  await system.client.flushall();
  expect(await daemon.cycle('complete', before)).toMatchObject({ rows: 20, computed: 0, restored: 20, live });
  await expectServed(String(live));
  await expectScheduled();
});

test('a Redis that is killed and comes back empty is waited for, filled and scheduled again', async () => {
  system.configureSmall(categories, { every: '1s', settings: SETTINGS });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await daemon.cycle('complete', daemon.mark);
  const before = daemon.mark;
  await system.redis.kill();
  await daemon.logged(({ message }) => message.startsWith('connection to Redis'), { after: before });
  const ready = await fetch(`${await daemon.url()}/readyz`);
  expect(ready.status).toBe(503);
  await system.redis.start();

  const healed = await daemon.logged(({ message, restored }) => message === 'cycle complete' && restored === 20, {
    after: before,
  });
  expect(healed).toMatchObject({ rows: 20, computed: 0, live });
  const next = await daemon.cycle('complete', daemon.mark);
  expect(next).toMatchObject({ trigger: 'schedule', computed: 20, live });
  await expectServed(String(live));
  await expectScheduled();
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
  expect(daemon.lines.slice(before).length).toBeLessThan(40);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('a worker that comes first makes no schedules; it makes those anew that it has seen, without a scheduler', async () => {
  system.configureSmall(categories, { every: '1h', settings: SETTINGS });
  const said = 'schedules were gone and were made anew';
  const worker = system.daemon(['start', '--roles', 'worker']);
  await worker.logged(({ message }) => message === 'forewarm is running');
  await watched();
  expect(await system.queue('warm').getJobSchedulers()).toEqual([]);

  const scheduler = system.daemon(['start', '--roles', 'scheduler']);
  await scheduler.cycle();
  await scheduler.stop();
  const metrics = `${await worker.url()}/metrics`;
  await eventually('a look of the worker at the published cycle', async () =>
    /^forewarm_last_updated\S* [1-9]/m.test(await (await fetch(metrics)).text()),
  );
  expect(worker.lines.map(({ message }) => message)).not.toContain(said);
  await system.client.flushall();
  expect(await worker.logged(({ message }) => message === said)).toMatchObject({
    level: 'warn',
    schedules: ['warm-m', 'prune-history-all'],
  });
  await expectScheduled();
});

/** Until the watchdog has seen the cache full: at each look it gets the pointer, the metadata and the running cycle; one for alerts two of them. */
async function watched(): Promise<void> {
  const calls = async (): Promise<number> => {
    const stats = await system.client.info('commandstats');
    return Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  const before = await calls();
  await eventually('a look of the watchdog', async () => (await calls()) >= before + 10);
}

async function expectServed(generation: string): Promise<void> {
  expect(await system.cache().pointer()).toMatchObject({ generation });
  expect(await system.cache().missing(generation, categories)).toEqual([]);
  const durable = await system.durableRows(generation, categories);
  expect(durable.size).toBe(20);
}

/** One tick at a time over all machines is kept in Redis as well. */
async function expectScheduled(): Promise<void> {
  await eventually('the schedules and their limit', async () => {
    const states = await Promise.all(
      ['warm', 'prune-history'].map(async (job) => {
        const queue = system.queue(job);
        return [(await queue.getJobSchedulers()).length, await queue.getGlobalConcurrency()].join();
      }),
    );
    return states.every((state) => state === '1,1');
  });
  for (const job of ['publish', 'warm-on-startup']) expect(await system.queue(job).getGlobalConcurrency()).toBe(1);
}
