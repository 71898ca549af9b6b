import { errorsIn } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A daemon that starts before its servers do. */

jest.setTimeout(90_000);

const categories = someCategories(12);

let system: TestSystem;
afterEach(() => system.stop());

test('while Redis is away the daemon waits and says so; when it comes, it warms', async () => {
  system = await TestSystem.start();
  system.configureSmall(categories, { every: '1s' });
  await system.redis.down();
  const daemon = system.daemon();
  const line = await daemon.logged(({ message }) => message.startsWith('waiting for Redis'));
  expect(line.error).toMatch(/^Redis \((queue|cache)\) cannot be reached: connect ECONNREFUSED/);
  const ready = await fetch(`${await daemon.url()}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, checks: { daemon: 'starting or stopping' } });
  expect((await fetch(`${await daemon.url()}/healthz`)).status).toBe(200);

  await system.redis.start();
  expect(await daemon.cycle()).toMatchObject({ trigger: 'startup', rows: 12, computed: 12, durable: 12 });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'schedule', computed: 12 });
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
  expect(daemon.mark).toBeLessThan(30);
});

test('while PostgreSQL is away warming goes on degraded; when it comes, rows, history and states are durable', async () => {
  system = await TestSystem.start({ ownPostgres: true });
  system.configureSmall(categories, { every: '1s' });
  await system.postgres.down();
  const daemon = system.daemon();
  await daemon.logged(({ message }) => message === 'waiting for PostgreSQL');
  await daemon.logged(({ message }) => message.startsWith('warming goes on without the durable copy'));
  const first = await daemon.cycle('degraded');
  expect(first).toMatchObject({ trigger: 'startup', rows: 12, computed: 12, durable: 0 });
  expect(first.reason).toMatch(/^Postgres was not written by 1 batch: .*ECONNREFUSED/);
  const generation = String(first.live);
  expect(await system.cache().missing(generation, categories)).toEqual([]);
  await daemon.cycle('degraded', daemon.mark);
  expect(await system.cache().metadata()).toMatchObject({ state: 'degraded', rows: 12 });
  const ready = await (await fetch(`${await daemon.url()}/readyz`)).json();
  expect(ready).toMatchObject({ ready: true, checks: { schema: 'waiting for PostgreSQL' } });
  expect(errorsIn(daemon.lines)).toEqual([]);

  const back = daemon.mark;
  await system.postgres.start();
  await daemon.logged(({ message }) => message === 'PostgreSQL is back', { after: back });
  expect(await daemon.cycle('complete', back)).toMatchObject({ computed: 12, durable: 12 });
  const rows = await system.rows(generation, categories);
  await eventually(
    'the same rows in PostgreSQL',
    async () => (await system.durableRows(generation, categories)).size === rows.size,
  );
  expect(await system.recorded(({ state }) => state === 'complete')).toMatchObject({ generation, durable: 12 });
  await eventually('the generation to be recorded as live', async () => {
    const found = await system.pool.query('SELECT id, state, published_at FROM forewarm.generation');
    return found.rows[0]?.state === 'live' && found.rows[0]?.published_at !== null;
  });
});

test('a PostgreSQL that goes away and comes back in between costs no cycle', async () => {
  system = await TestSystem.start({ ownPostgres: true });
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  await system.postgres.kill();
  const away = daemon.mark;
  const degraded = await daemon.cycle('degraded', away);
  expect(degraded).toMatchObject({ live, computed: 12, durable: 0, reason: expect.stringContaining('Postgres') });
  await system.postgres.start();
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ live, computed: 12, durable: 12 });
  const lines = daemon.lines.slice(away);
  expect(errorsIn(lines)).toEqual([]);
  // A line or two for each cycle, and some for the connections.
  const cycles = lines.filter(({ message }) => message.startsWith('cycle ')).length;
  expect(lines.length).toBeLessThan(4 * cycles + 15);
});
