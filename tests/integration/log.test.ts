import { eventually, someCategories, TestSystem } from '../support/system';

/** What a daemon writes to its log, and what it does not. */

jest.setTimeout(90_000);

const categories = someCategories(4);

let system: TestSystem;
afterEach(() => system.stop());

test('what libraries print themselves is in the log, as JSON and once', async () => {
  system = await TestSystem.start();
  // BullMQ prints that such a Redis may lose jobs, for every connection of every queue.
  await system.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  // The client of PostgreSQL warns of the coming meaning of this mode, in each process.
  const postgres = { url: `${system.postgresUrl.replace(/\?.*/, '')}?sslmode=require` };
  system.configureSmall(categories, { every: '1h', settings: { postgres } });
  const daemon = system.daemon();
  await daemon.cycle('degraded');
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  expect(daemon.stderr).toBe('');
  const said = (where: string) => daemon.lines.filter(({ message }) => message === where).map(({ error }) => error);
  expect(said('a library warns')).toEqual([expect.stringContaining('Eviction policy is allkeys-lru')]);
  expect(said('Node.js warns')).toEqual([expect.stringContaining('SSL modes')]);
});

test('one Redis for cache and queue is warned of, two are not', async () => {
  system = await TestSystem.start();
  const warnings = async (until: string) => {
    const daemon = system.daemon();
    await daemon.logged(({ message }) => message === until);
    await daemon.stop();
    return daemon.lines.filter(({ message }) => message.startsWith('one Redis serves the cache and the queue'));
  };
  system.configureSmall(categories);
  expect(await warnings('forewarm is running')).toMatchObject([
    { level: 'warn', next: expect.stringContaining('FOREWARM_QUEUE_REDIS_URL') },
  ]);
  system.configureSmall(categories, { settings: { redis: { cache: system.redis.url, queue: 'redis://127.0.0.1:1' } } });
  expect(await warnings('listening')).toEqual([]);
});

test('a PostgreSQL that stays away is told of once in a while, not with every cycle', async () => {
  system = await TestSystem.start();
  const postgres = { url: 'postgres://nobody@127.0.0.1:1/nothing' };
  system.configureSmall(categories, { every: '1s', settings: { postgres } });
  const daemon = system.daemon();
  await eventually('five cycles', () => {
    return daemon.lines.filter(({ message }) => message === 'cycle degraded').length >= 5;
  });
  await daemon.stop();
  const beside = daemon.lines.filter(({ message }) => /could not be (recorded|closed|retired)/.test(message));
  const often = beside.filter(({ message }, i) => beside.findIndex((line) => line.message === message) < i);
  expect(beside.length).toBeGreaterThan(0);
  // Each line of a cycle still carries its id.
  expect(beside.filter(({ cycle }) => cycle === undefined)).toEqual([]);
  expect(often.filter(({ repeated }) => repeated === undefined)).toEqual([]);
});
