import { execFileSync } from 'node:child_process';
import { TestSystem } from '../../support/system';
import { killHung, say } from './command';

/** `forewarm env` for programs that read predictions. */

jest.setTimeout(30_000);

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
  system.configureSmall(['a']);
});
afterEach(killHung);
afterAll(() => system.stop());

test('a shell takes the lines as they are, whatever a password holds', async () => {
  const url = "redis://:it's%20$HOME@127.0.0.1:1/0";
  const { stdout, code } = await say(['env', '--set', `redis.cache=${url}`], system.folder);
  expect(code).toBe(0);
  const echo = 'eval "$1"; printf "%s %s" "$FOREWARM_REDIS_URL" "$FOREWARM_POSTGRES_URL"';
  const told = execFileSync('sh', ['-c', echo, 'sh', stdout], { encoding: 'utf8', env: {} });
  expect(told).toBe(`${url} ${system.postgresUrl}`);
});

test('as JSON', async () => {
  const { stdout } = await say(['env', '--json'], system.folder);
  expect(JSON.parse(stdout)).toEqual({
    FOREWARM_REDIS_URL: system.redis.url,
    FOREWARM_QUEUE_REDIS_URL: system.redis.url,
    FOREWARM_POSTGRES_URL: system.postgresUrl,
  });
});
