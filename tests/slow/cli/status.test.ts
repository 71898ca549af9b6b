import { TestSystem } from '../../support/system';
import { besideSilent, forEachAway, WAITED } from './away';
import { killHung, onlyError, say } from './command';

/** What the commands that look tell: `status`, `config`, `jobs`, `migrate`. */

jest.setTimeout(60_000);

const AWAY = 'postgres://user:secret@127.0.0.1:1/x';
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
  system.configureSmall(['a', 'b', 'c']);
});
afterEach(killHung);
afterAll(() => system.stop());

const run = (...args: string[]) => say(args, system.folder);

async function statusDocument(...args: string[]) {
  const said = await run('status', '--json', ...args);
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  return JSON.parse(said.stdout);
}

// In order: each test leaves the system as the next one wants it.
describe('from an empty database to a warm cache', () => {
  test('before anything is migrated, status says that nothing is published and that there is no history', async () => {
    const said = await run('status');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/^m {2}nothing is published yet\n\nrun history unavailable: .+\n$/);
    const { models, historyError } = await statusDocument();
    expect(models).toMatchObject([
      { model: 'm', live: null, rows: 0, expected: 3, stale: true, cycles: [], ageMs: null },
    ]);
    expect(historyError).toEqual(expect.any(String));
  });

  test('migrate runs what is missing, and nothing the second time', async () => {
    const first = await run('migrate');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^Ran \d+ migrations: 0001-rows, /);
    expect(await run('migrate')).toMatchObject({ code: 0, stdout: 'The schema is up to date.\n', stderr: '' });
    expect((await run('migrate', '--json')).stdout).toBe('{"ran":[]}\n');
  });

  test('after a cycle, status shows freshness, coverage, generation and cycle', async () => {
    const daemon = system.daemon();
    const { cycle } = await daemon.cycle();
    await daemon.stop();
    const said = await run('status');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(
      /^m {2}fresh, updated \w+ ago\n {2}rows {9}3 of 3 \(100 %\)\n {2}live {9}[0-9a-f]{12}, model version \w+\n {2}published {4}20/,
    );
    expect(said.stdout).toMatch(new RegExp(`^${cycle} +m +startup +complete .* 3 +3 computed$`, 'm'));

    const document = await statusDocument();
    expect(document).toMatchObject({
      historyError: null,
      models: [{ model: 'm', stale: false, rows: 3, previous: null }],
    });
    const [{ live, generations, cycles }] = document.models;
    expect(generations).toMatchObject([{ id: live, state: 'live' }]);
    expect(cycles).toMatchObject([{ id: cycle, generation: live, state: 'complete', computed: 3, durable: 3 }]);
  });

  test('a row that Redis has lost is missing from the coverage', async () => {
    const generation = (await system.cache().pointer())?.generation ?? '';
    await system.client.del(`forewarm:m:${generation}:row:b`);
    expect((await run('status')).stdout).toContain('rows         2 of 3 (66.7 %)');
  });

  test('with PostgreSQL away, status answers without the history and hides the password', async () => {
    const said = await run('status', '--set', `postgres.url=${AWAY}`);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/\n\nrun history unavailable: .*ECONNREFUSED/);
    expect(said.stdout).not.toContain('secret');
    expect((await statusDocument('--set', `postgres.url=${AWAY}`)).models).toMatchObject([{ rows: 2, cycles: [] }]);
    const migrate = await run('migrate', '--set', `postgres.url=${AWAY}`);
    expect(onlyError(migrate).code).toBe('FW_POSTGRES_UNAVAILABLE');
    expect(migrate.code).toBe(3);
  });

  test('with Redis away, status fails soon', async () => {
    await forEachAway(async (address, away) => {
      const said = await run('status', '--set', `redis.cache=redis://${address}`);
      expect(onlyError(said)).toMatchObject({
        code: 'FW_REDIS_UNAVAILABLE',
        message: expect.stringMatching(WAITED.redis[away]),
      });
      expect(said.code).toBe(3);
    });
  });

  test('stores that are all silent are waited for together, not in turn', async () => {
    await besideSilent(async (address, atOnce) => {
      const urls = [
        `redis.cache=redis://${address}/0`,
        `redis.queue=redis://${address}/1`,
        `postgres.url=postgres://${address}/x`,
      ];
      const said = await run('status', ...urls.flatMap((url) => ['--set', url]));
      expect(onlyError(said).code).toBe('FW_REDIS_UNAVAILABLE');
      expect(atOnce()).toBe(urls.length);
    });
  });
});

test.each(['abc', '0', '-1', '2.5', ''])('status --cycles %s is refused', async (given) => {
  const said = await run('status', `--cycles=${given}`);
  expect(onlyError(said)).toMatchObject({ code: 'FW_USAGE', message: expect.stringContaining('--cycles') });
  expect(said.code).toBe(2);
});

test('config show masks passwords and says where each setting comes from', async () => {
  const urls = [
    'redis.cache=redis://user:s3cret@127.0.0.1:1',
    'postgres.url=postgres://user:s3cret@127.0.0.1:1/x?sslkey=s3cret',
  ];
  // Before the command's name and after it.
  const args = ['--set', urls[0] ?? '', 'config', 'show', '--set', urls[1] ?? ''];
  const [text, json] = [await run(...args), await run(...args, '--json')];
  for (const said of [text, json]) {
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).not.toContain('s3cret');
  }
  expect(text.stdout).toContain('cache: redis://user:***@127.0.0.1:1\n');
  expect(text.stdout).toContain('redis.cache: command line\n');
  const { settings, from } = JSON.parse(json.stdout);
  expect(settings.postgres.url).toMatch(/^postgres:\/\/user:\*\*\*@127\.0\.0\.1:1\/x/);
  expect(from).toMatchObject({
    'postgres.url': 'command line',
    'http.port': expect.stringMatching(/^forewarm\.yaml:\d+$/),
    'reader.deadline': 'default',
  });
});

test('jobs lists the registry', async () => {
  const { stdout } = await run('jobs');
  expect(stdout).toMatch(/^warm +scheduler +m: every 20s +1 +1m\n {2}Plans one cycle/m);
  const jobs = JSON.parse((await run('jobs', '--json')).stdout);
  expect(jobs).toContainEqual(expect.objectContaining({ name: 'warm-batch', role: 'worker', schedules: [] }));
  expect(jobs).toContainEqual(expect.objectContaining({ name: 'warm', schedules: [{ key: 'm', when: 'every 20s' }] }));
});
