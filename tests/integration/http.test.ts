import { createServer } from 'node:net';
import { eventually, someCategories, TestSystem } from '../support/system';

/** What the daemon's listener tells before there is a dashboard. */

jest.setTimeout(60_000);

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('health, readiness and metrics of a running daemon', async () => {
  system.configureSmall(someCategories(6), { every: '1h' });
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.logged(({ message }) => message === 'forewarm is running');
  const url = await daemon.url();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const health = await fetch(`${url}/healthz`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok', uptime_s: expect.any(Number) }]);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    {
      ready: true,
      checks: {
        ...{ daemon: 'started', 'redis-queue': 'ready', 'redis-cache': 'ready', schema: 'ready' },
      },
    },
  ]);

  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '');
  const names = lines.filter((line) => !line.startsWith('#'));
  expect(names.filter((line) => !line.startsWith('forewarm_'))).toEqual([]);
  expect(lines).toContain('forewarm_cycles_total{model="m",state="complete"} 1');
  expect(lines).toContain('forewarm_rows_total{model="m",action="computed"} 6');
  expect(lines).toContain('forewarm_inference_busy 0');
  const updated = lines.find((line) => line.startsWith('forewarm_last_updated_timestamp_seconds{model="m"}'));
  const metadata = await system.cache().metadata();
  const lastUpdated = Date.parse(metadata?.last_updated ?? '') / 1_000;
  expect(Math.abs(Number(updated?.split(' ')[1]) - lastUpdated)).toBeLessThan(1);
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
});

test('a Redis that hangs is told from one that answers, though its connection stays open', async () => {
  system.configureSmall(someCategories(2), { every: '1h' });
  const daemon = system.daemon();
  await daemon.logged(({ message }) => message === 'forewarm is running');
  const url = await daemon.url();
  const readiness = async () => {
    const answer = await fetch(`${url}/readyz`);
    return { status: answer.status, ...((await answer.json()) as { ready: boolean; checks: object }) };
  };
  await system.redis.kill('SIGSTOP');
  expect(await readiness()).toMatchObject({
    status: 503,
    ready: false,
    checks: { daemon: 'started', 'redis-queue': 'silent', 'redis-cache': 'silent' },
  });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await system.redis.kill('SIGCONT');
  await eventually('readiness', async () => (await readiness()).status === 200);
});

test('an address that others reach is refused before anything runs', async () => {
  system.configureSmall(someCategories(2), { settings: { http: { host: '0.0.0.0', port: 0 } } });
  const daemon = system.daemon();
  expect(await daemon.ended).toEqual({ code: 2, signal: null });
  expect(daemon.stderr).toMatch(/FW_CONFIG_INVALID: .*1 problem\n.*http\.exposeWithoutAuthentication: true\n/);
  expect(daemon.lines).toEqual([]);
});

test('a daemon that is exposed says so, once, as a warning', async () => {
  const http = { host: '0.0.0.0', port: 0, exposeWithoutAuthentication: true };
  system.configureSmall(someCategories(2), { settings: { http } });
  const daemon = system.daemon();
  await daemon.cycle();
  const warnings = daemon.lines.filter(({ message }) => message.startsWith('exposed'));
  expect(warnings).toMatchObject([{ level: 'warn', because: 'http.exposeWithoutAuthentication' }]);
  const port = new URL(await daemon.url()).port;
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});

test('a port that is taken is told in one error, with exit code 5 and nothing left running', async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
  });
  try {
    system.configureSmall(someCategories(2), { settings: { http: { port } } });
    const daemon = system.daemon();
    expect(await daemon.ended).toEqual({ code: 5, signal: null });
    expect(daemon.stderr).toContain(`FW_PORT_IN_USE: http.host 127.0.0.1, http.port ${port}: the port is taken`);
    expect(daemon.stderr).toContain('Set http.port, or stop the other process.');
    expect(daemon.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    // Before anything was written.
    expect(await system.client.dbsize()).toBe(0);
    const { rows } = await system.pool.query(`SELECT to_regnamespace('forewarm') AS schema`);
    expect(rows).toEqual([{ schema: null }]);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});
