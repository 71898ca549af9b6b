import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '#workers/doctor/finding';
import { someCategories, TestSystem } from '../../support/system';
import { killHung, say } from './command';

/** `forewarm doctor` on real servers that are as they should be, and on ones that are not. */

jest.setTimeout(60_000);

const categories = someCategories(20);
let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(killHung);
afterEach(() => system.stop());

async function findings(): Promise<{ code: number | null; ok: boolean; by: Map<string, Finding> }> {
  const { code, stdout } = await say(['doctor', '--json'], system.folder);
  const answer = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  return { code, ok: answer.ok, by: new Map(answer.findings.map((finding) => [finding.check, finding])) };
}

test('a deployment that is as it should be passes, and is told what is only for development', async () => {
  const folder = join(system.folder, 'kept');
  mkdirSync(folder);
  system.configureSmall(categories, { settings: { backup: { folder, schedule: '15 3 * * *' } } });
  const daemon = system.daemon();
  await daemon.cycle();
  expect((await say(['backup', '--wait'], system.folder)).code).toBe(0);
  const { code, ok, by } = await findings();
  const failed = [...by.values()].filter(({ verdict }) => verdict === 'fail');
  expect([code, ok, failed]).toEqual([0, true, []]);
  expect(by.get('model m')).toMatchObject({
    verdict: 'pass',
    found: expect.stringMatching(/^generation \w{12}, 480 predictions, /),
  });
  expect(by.get('PostgreSQL schema')).toMatchObject({
    verdict: 'pass',
    found: expect.stringMatching(/^\d+ migrations, up to date$/),
  });
  expect(by.get('newest backup')).toMatchObject({ verdict: 'pass', found: expect.stringContaining('verified ') });
  expect(by.get('Redis roles')).toMatchObject({ verdict: 'warn' });
  for (const server of ['Redis (cache)', 'Redis (queue)', 'PostgreSQL'])
    expect(by.get(`clock of ${server}`)?.verdict).toBe('pass');
  const text = await say(['doctor'], system.folder);
  expect(text.stdout).toMatch(/^model m +pass +generation /m);
  expect(text.stdout).toMatch(/\nnothing fails, \d+ warnings?, \d+ passed\n$/);
});

test('what is wrong is named with what to do, all of it at once', async () => {
  system.configureSmall(someCategories(60), {
    ...{ every: '1s', model: { slow: { iterations: 200_000 } } },
    settings: { backup: { folder: '/nowhere/at/all', schedule: '15 3 * * *' } },
  });
  await system.client.config('SET', 'maxmemory', '4mb');
  await system.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const { code, ok, by } = await findings();
  expect([code, ok]).toEqual([1, false]);
  const expected: [string, Finding['verdict'], string, string][] = [
    ['cycle of m', 'fail', 'of inference on 2 processes, every 1s', 'Lengthen `every`'],
    ['Redis (cache) memory', 'fail', 'two generations need about 16', 'Give it '],
    [
      'Redis (queue) eviction',
      'fail',
      'maxmemory-policy allkeys-lru, maxmemory 4 MiB',
      'Set maxmemory-policy noeviction',
    ],
    ['PostgreSQL schema', 'warn', 'there is none yet', 'forewarm migrate'],
    ['backup folder', 'fail', '/nowhere/at/all: ENOENT', 'Make it, mount it'],
  ];
  for (const [check, verdict, found, next] of expected) {
    expect(by.get(check)).toEqual({
      check,
      verdict,
      found: expect.stringContaining(found),
      next: expect.stringContaining(next),
    });
  }
});

test('a model that does not load, and a database user who may not', async () => {
  system.configureSmall(categories);
  expect((await say(['migrate'], system.folder)).code).toBe(0);
  await system.pool.query(`DROP ROLE IF EXISTS onlooker`);
  await system.pool.query(`CREATE ROLE onlooker LOGIN PASSWORD 'x'`);
  await system.pool.query('GRANT USAGE ON SCHEMA forewarm TO onlooker');
  await system.pool.query('GRANT SELECT ON ALL TABLES IN SCHEMA forewarm TO onlooker');
  await system.pool.query(`DELETE FROM forewarm.migration WHERE name = '0006-backups'`);
  try {
    const url = new URL(system.postgresUrl);
    url.username = 'onlooker';
    url.password = 'x';
    system.configureSmall(categories, { settings: { postgres: { url: url.href } } });
    system.write('m.onnx', 'version https://git-lfs.github.com/spec/v1\n');
    const { code, by } = await findings();
    expect(code).toBe(1);
    expect(by.get('model m')).toMatchObject({ verdict: 'fail', next: 'Fetch the file itself: git lfs pull.' });
    expect(by.get('PostgreSQL schema')).toMatchObject({ verdict: 'warn', found: 'lacks 0006-backups' });
    expect(by.get('PostgreSQL privileges')).toMatchObject({
      verdict: 'fail',
      found: expect.stringMatching(/^may not DELETE forewarm\.\w+, and \d+ more$/),
    });
  } finally {
    await system.pool.query('DROP OWNED BY onlooker');
    await system.pool.query('DROP ROLE onlooker');
  }
});

test('a server that is away is one that fails, and the others are looked at', async () => {
  system.configureSmall(categories, { settings: { redis: { cache: 'redis://127.0.0.1:1', queue: system.redis.url } } });
  const { code, by } = await findings();
  expect(code).toBe(1);
  expect(by.get('Redis (cache)')).toMatchObject({ verdict: 'fail', found: expect.stringContaining('ECONNREFUSED') });
  expect(by.get('Redis (queue)')?.verdict).toBe('pass');
  expect(by.get('PostgreSQL')?.verdict).toBe('pass');
});
