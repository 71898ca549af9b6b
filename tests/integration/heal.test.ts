import type { CacheEvent } from '#shared/cache/events';
import type { DaemonProcess, LogLine } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** What the daemon does when a reader tells it that rows are missing. */

jest.setTimeout(90_000);

const categories = someCategories(30);
const GONE = categories.slice(5, 12);

let system: TestSystem;

beforeEach(async () => {
  // The watchdog would find the rows missing as well, and sometimes first.
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
});
afterEach(() => system.stop());

test('a missing event starts a heal at once that restores exactly the rows that are missing', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const before = await system.rows(generation, categories);
  await lose(generation, GONE);
  await system.client.publish('forewarm:m:events', missing(generation, GONE.slice(0, 1)));

  await daemon.logged(({ message, rows }) => message === 'healing missing rows' && rows === 7);
  const heal = await daemon.cycle('complete', daemon.mark - 1);
  expect(heal).toMatchObject({ trigger: 'heal', rows: 7, restored: 7, computed: 0, live: generation });
  const after = await system.rows(generation, categories);
  expect(
    categories.filter((category) => !after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0))),
  ).toEqual([]);
});

test('a heal computes what PostgreSQL does not have either', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const before = await system.cache().metadata();
  await lose(generation, GONE);
  await system.pool.query('DELETE FROM forewarm.row WHERE category = ANY ($1::text[])', [GONE.slice(0, 3)]);
  await system.client.publish('forewarm:m:events', missing(generation, GONE));
  const heal = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'heal');
  expect(heal).toMatchObject({ rows: 7, restored: 4, computed: 3, durable: 7 });
  expect((await system.durableRows(generation, GONE)).size).toBe(7);
  // A heal sees to some rows only: what it did not look at is not fresher for it.
  expect(await system.cache().metadata()).toMatchObject({ last_updated: before?.last_updated, rows: 30, expected: 30 });
});

test('a burst of 200 events starts two heals at most', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  await lose(generation, GONE);
  const burst = Array.from({ length: 200 }, (_, i) => missing(generation, [GONE[i % GONE.length] ?? '']));
  await Promise.all(burst.map((message) => system.client.publish('forewarm:m:events', message)));
  await eventually('the first heal', async () => (await system.cache().missing(generation, categories)).length === 0);

  // A row that goes while a heal runs is missing at its end, and told.
  await idle();
  // Events are answered in their order: when this one has been, those before it have been as well.
  const [last = ''] = categories.slice(-1);
  await lose(generation, [last]);
  await system.client.publish('forewarm:m:events', missing(generation, [last]));
  await eventually('the last heal', async () => (await system.rows(generation, [last])).size === 1);
  await idle();
  // Two for the burst, and one for the event after it, which may share the second.
  const heals = (await system.history()).filter(({ trigger }) => trigger === 'heal');
  expect(heals.length).toBeGreaterThanOrEqual(2);
  expect(heals.length).toBeLessThanOrEqual(3);
  expect(troubles(daemon)).toEqual([]);
});

test('a row that a reader found corrupt is restored, though it is there', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const [category = ''] = GONE;
  const before = await system.rows(generation, [category]);
  await system.client.setrange(system.cache().keys.row(generation, category), 40, 'xyz');
  await system.client.publish('forewarm:m:events', missing(generation, [category]));
  const heal = await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'heal');
  expect(heal).toMatchObject({ rows: 1, restored: 1, computed: 0 });
  expect(await system.rows(generation, [category])).toEqual(before);
});

test('what is no event starts nothing, and rows that are there are only looked at', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon();
  const generation = String((await daemon.cycle()).live);
  const before = await system.rows(generation, categories);
  const channel = 'forewarm:m:events';
  const nonsense = ['', '{', 'null', '{"type":"missing"}', '{"type":"missing","generation":1,"categories":["a"]}'];
  for (const message of nonsense) await system.client.publish(channel, message);
  await system.client.publish(channel, JSON.stringify({ type: 'rows', generation, categories: GONE }));
  // Messages of one channel are heard in their order: when the last has been answered, the others were passed over.
  await system.client.publish(channel, missing(generation, [...GONE, 'nobody']));
  const ticks = await eventually('a tick that has ended', async () => {
    const done = await system.queue('warm').getCompleted();
    return done.length > 0 && done;
  });
  expect(ticks.map(({ data, returnvalue }) => [data.trigger, returnvalue])).toEqual([
    ['heal', { skipped: 'no row is missing' }],
  ]);
  expect(await system.rows(generation, categories)).toEqual(before);
  expect((await system.history()).map(({ trigger }) => trigger)).toEqual(['startup']);
  expect(troubles(daemon)).toEqual([]);
});

/** Until no heal waits or runs. */
async function idle(): Promise<void> {
  const queues = [system.queue('warm'), system.queue('publish')];
  await eventually('the end of all heals', async () => {
    const counts = await Promise.all(
      queues.map((queue) => queue.getJobCountByTypes('wait', 'active', 'waiting-children', 'prioritized')),
    );
    return counts.every((count) => count === 0);
  });
}

/** Beside the one that tests with one Redis give rise to. */
function troubles(daemon: DaemonProcess): LogLine[] {
  const told = daemon.lines.filter(({ level }) => level === 'warn' || level === 'error');
  return told.filter(({ message }) => !message.startsWith('one Redis serves'));
}

async function lose(generation: string, gone: readonly string[]): Promise<void> {
  const { keys } = system.cache();
  await system.client.del(...gone.map((category) => keys.row(generation, category)));
}

function missing(generation: string, which: readonly string[]): string {
  return JSON.stringify({ type: 'missing', generation, categories: [...which] } satisfies CacheEvent);
}
