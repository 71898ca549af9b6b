import type { DaemonProcess } from '../../support/daemon-process';
import { someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** Who may ask the API, and how often. */

jest.setTimeout(120_000);

const OLD = 'old-old-old-old-old';
const NEW = 'new-new-new-new-new';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` });

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
});
afterEach(() => system.stop());

/** A daemon that answers, and shows the queues; nothing is warm. */
async function listening(
  http: Record<string, unknown>,
): Promise<{ readonly daemon: DaemonProcess; readonly url: string }> {
  system.configureSmall(someCategories(2), { every: '1h', settings: { http: { port: 0, ...http } } });
  const daemon = system.daemon(['start', '--roles', 'api,dashboard']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return { daemon, url: `http://127.0.0.1:${new URL(await daemon.url()).port}` };
}

const status = async (url: string, path: string, headers: Record<string, string> = {}) =>
  (await ask(url, path, { headers })).status;

const API = ['/v1/models', '/v1/models/m', '/v2/models/m', '/v2/models/m/ready'];
const OPEN = ['/healthz', '/readyz', '/v2', '/v2/health/live', '/v2/health/ready'];
const OPERATORS = ['/metrics', '/docs', '/openapi.json', '/queues'];

test('with tokens the API asks for one of them, and health for none', async () => {
  const { url } = await listening({ tokens: [OLD, NEW] });
  for (const path of API) {
    const refused = await ask(url, path);
    expect([path, refused.status, refused.json.code]).toEqual([path, 401, 'FW_HTTP_UNAUTHORIZED']);
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="forewarm"');
    expect([path, await status(url, path, bearer(`${OLD}x`))]).toEqual([path, 401]);
    // A browser sends passwords by itself, also for a page of another site.
    expect([path, await status(url, path, basic(OLD))]).toEqual([path, 401]);
    for (const token of [OLD, NEW]) expect([path, await status(url, path, bearer(token))]).toEqual([path, 200]);
  }
  expect((await ask(url, '/v1/models')).json).toMatchObject({ status: 401, instance: '/v1/models' });
  expect((await ask(url, '/v2/models/m')).json).toMatchObject({
    error: expect.any(String),
    code: 'FW_HTTP_UNAUTHORIZED',
  });
  // This machine alone reaches them.
  for (const path of [...OPEN, ...OPERATORS]) expect([path, await status(url, path)]).toEqual([path, 200]);
});

test('where others reach the listener, figures and pages ask for a token too, and a browser may show it', async () => {
  const { daemon, url } = await listening({ host: '0.0.0.0', tokens: [OLD] });
  expect(daemon.lines.filter(({ message }) => message.startsWith('exposed'))).toEqual([]);
  for (const path of OPERATORS) {
    const refused = await ask(url, path);
    expect([path, refused.status]).toEqual([path, 401]);
    expect(refused.headers['www-authenticate']).toContain('Basic realm="forewarm"');
    for (const headers of [bearer(OLD), basic(OLD)])
      expect([path, await status(url, path, headers)]).toEqual([path, 200]);
  }
  expect(await status(url, '/queues/api/queues')).toBe(401);
  expect(await status(url, '/queues/api/queues', basic(OLD))).toBe(200);
  expect(await status(url, '/docs/static/swagger-ui.css')).toBe(401);
  for (const path of OPEN) expect([path, await status(url, path)]).toEqual([path, 200]);
  // Where tokens are asked for, names do not matter.
  expect(await status(url, '/v1/models', { ...bearer(OLD), host: 'forewarm.example' })).toBe(200);
});

test('without tokens another address is refused, unless it is said to be meant', async () => {
  const http = { host: '0.0.0.0', port: 0 };
  system.configureSmall(someCategories(2), { settings: { http } });
  const refused = system.daemon(['start', '--roles', 'api']);
  expect(await refused.ended).toEqual({ code: 2, signal: null });
  expect(refused.stderr).toMatch(/ask for tokens with http\.tokens/);
  const { url } = await listening({ host: '0.0.0.0', exposeWithoutAuthentication: true });
  expect(await status(url, '/v1/models', { host: 'forewarm.example' })).toBe(200);
});

test('without tokens a page that was led here under another name is refused', async () => {
  const { url } = await listening({});
  for (const path of API) {
    const { json, ...answer } = await ask(url, path, { headers: { host: 'evil.example' } });
    expect([path, answer.status, json.code]).toEqual([path, 403, 'FW_HTTP_CROSS_SITE']);
  }
  for (const path of ['/docs', '/openapi.json'])
    expect([path, await status(url, path, { host: 'evil.example' })]).toEqual([path, 403]);
  expect(await status(url, '/v1/models', { host: 'localhost:1' })).toBe(200);
  // What a page of another site posts without asking, and a program does not say.
  const infer = (headers: Record<string, string>) =>
    ask(url, '/v2/models/m/infer', { method: 'POST', headers, body: '{}' });
  for (const site of ['cross-site', 'same-site']) {
    expect((await infer({ 'sec-fetch-site': site })).json).toMatchObject({ code: 'FW_HTTP_CROSS_SITE' });
  }
  for (const headers of [{}, { 'sec-fetch-site': 'same-origin' }]) expect((await infer(headers)).status).toBe(400);
});

test('a cycle is never asked for without a token', async () => {
  const { url } = await listening({});
  const { json, ...answer } = await ask(url, '/v1/models/m/warm', { method: 'POST', body: {} });
  expect([answer.status, json.code]).toEqual([403, 'FW_HTTP_FORBIDDEN']);
  expect(json.next).toContain('http.tokens');
  expect(await system.queue('warm').count()).toBe(0);
});

test('a client that asks too often is told when to come back, and others go on', async () => {
  const { url } = await listening({ tokens: [OLD, NEW], rateLimit: 5 });
  const codes: number[] = [];
  for (let i = 0; i < 7; i++) codes.push(await status(url, '/v1/models', bearer(OLD)));
  expect(codes).toEqual([200, 200, 200, 200, 200, 429, 429]);
  const { headers, json } = await ask(url, '/v1/models', { headers: bearer(OLD) });
  expect(json).toMatchObject({ status: 429, code: 'FW_HTTP_RATE_LIMIT' });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
  // Both halves of the API count, each token by itself, and who has none by the address.
  expect((await ask(url, '/v2/models/m', { headers: bearer(OLD) })).json).toMatchObject({ code: 'FW_HTTP_RATE_LIMIT' });
  expect(await status(url, '/v1/models', bearer(NEW))).toBe(200);
  for (let i = 0; i < 5; i++) expect(await status(url, '/v1/models')).toBe(401);
  expect(await status(url, '/v1/models')).toBe(429);
  expect(await status(url, '/healthz')).toBe(200);
});
