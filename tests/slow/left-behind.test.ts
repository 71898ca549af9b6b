import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, runTestFiles } from '../support/test-files';

/** What a test leaves on its servers; the rest of what it can leave behind is in `tests/unit/house`. */

const support = (file: string) => JSON.stringify(join(REPOSITORY, 'tests/support', file));

/** A test that does this with a system of its own, which `afterEach` stops; `later` comes after that. */
const onSystem = (body: string, later = '') => `
  const { Redis } = require('ioredis');
  const { Client } = require('pg');
  const { TestSystem } = require(${support('system.ts')});
  jest.setTimeout(60000);
  let system, own;
  beforeEach(async () => { system = await TestSystem.start(); });
  afterEach(() => system.stop());
  afterAll(async () => { ${later} });
  test('passes', async () => { ${body} });`;

test('a test that leaves a connection, a key or a database behind fails and names it', () => {
  const { code, report } = runTestFiles({
    tidy: onSystem(`
      own = new Redis(system.redis.url);
      await own.set('forewarm:m:mine', 1);
      await own.set('{forewarm}:mine', 1);
      await own.subscribe('somewhere');
      own.disconnect();
      const client = new Client(system.postgresUrl);
      await client.connect();
      await client.end();
      await system.queue('warm').getJobCounts();`),
    listener: onSystem(
      `own = new Redis(system.redis.url, { connectionName: 'forgotten-listener' });
       own.on('error', () => undefined);
       await own.subscribe('somewhere');`,
      'own.disconnect();',
    ),
    client: onSystem(
      `own = new Client({ connectionString: system.postgresUrl, application_name: 'forgotten client' });
       own.on('error', () => undefined);
       await own.connect();`,
      'await own.end().catch(() => undefined);',
    ),
    keys: onSystem(`
      for (const key of ['stray', 'forewarm', 'forewarmed:m:live']) await system.client.set(key, 1);
      await system.client.select(3);
      await system.client.set('{other}:m', 1);`),
    database: `
      const { createDatabase } = require(${support('servers/postgres.ts')});
      test('passes', async () => { await createDatabase(process.env.FOREWARM_TEST_POSTGRES_URL); });`,
  });

  expect(code).toBe(1);
  expect(report).toContain('PASS tests/tidy.test.js');
  for (const name of ['listener', 'client', 'keys', 'database']) expect(report).toContain(`FAIL tests/${name}.test.js`);
  expect(report).toMatch(/- connection to Redis: addr=127\.0\.0\.1:\d+ name=forgotten-listener .*cmd=subscribe/);
  expect(report).toMatch(
    /- connection to PostgreSQL: database test_[0-9a-f]{8}_[0-9a-f]{16}, application forgotten client, idle/,
  );
  const keys = report.match(/(?<=- key in Redis outside of forewarm: and \{forewarm\}:: ).+/g);
  expect([...new Set(keys)]).toEqual(['forewarm', 'forewarmed:m:live', 'stray', '{other}:m']);
  expect(report).toMatch(/- database test_[0-9a-f]{8}_[0-9a-f]{16} on the shared PostgreSQL, with 0 connections\n/);
}, 120_000);

(existsSync('/proc/sysvipc/shm') ? test : test.skip)(
  'so does one that kills a PostgreSQL and takes its data away',
  () => {
    const { report } = runTestFiles({
      memory: `
      const { rmSync } = require('node:fs');
      const { tmpdir } = require('node:os');
      const { startPostgres } = require(${support('servers/postgres.ts')});
      jest.setTimeout(60000);
      test('passes', async () => {
        // Its other shared memory lies with the data: it would stay, and nothing tells whose it was.
        const server = await startPostgres({ settings: { dynamic_shared_memory_type: 'mmap' } });
        // Processes are noted five times a second: a quick machine has it started and killed in between.
        await new Promise((done) => setTimeout(done, 500));
        await server.kill();
        rmSync(tmpdir(), { recursive: true });
      });`,
      restarted: `
      const { startPostgres } = require(${support('servers/postgres.ts')});
      jest.setTimeout(60000);
      test('passes', async () => {
        const server = await startPostgres();
        await server.kill();
        await server.stop();
      });`,
    });
    expect(report).toContain('PASS tests/restarted.test.js');
    expect(report).toMatch(/- shared memory of process \d+, which was killed: segment \d+\n/);
  },
  120_000,
);
