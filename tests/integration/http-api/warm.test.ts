import type { DaemonProcess } from '../../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** Warming over HTTP, as a training pipeline asks for it. */

jest.setTimeout(120_000);

const TOKEN = 'a-token-of-a-pipeline';
const headers = { authorization: `Bearer ${TOKEN}` };
const categories = someCategories(6);

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
});
afterEach(() => system.stop());

async function running(
  roles: string,
  http: Record<string, unknown> = {},
): Promise<{ daemon: DaemonProcess; url: string }> {
  system.configureSmall(categories, { every: '1h', settings: { http: { port: 0, tokens: [TOKEN], ...http } } });
  const daemon = system.daemon(['start', '--roles', roles]);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return { daemon, url: await daemon.url() };
}

const warm = (url: string, body?: unknown, model = 'm') =>
  ask(url, `/v1/models/${model}/warm`, { method: 'POST', headers, body });

test('with `wait` the answer is what became of the cycle', async () => {
  const { daemon, url } = await running('scheduler,worker,api');
  await daemon.cycle();
  const [first = '', second = ''] = categories;
  const { status, json } = await warm(url, { categories: [second, first], force: true, wait: true });
  expect([status, json]).toMatchObject([
    200,
    {
      model: 'm',
      job: expect.any(String),
      state: 'complete',
      reason: null,
      rows: 2,
      rowsDone: 2,
      computed: 2,
      failed: 0,
    },
  ]);
  const recorded = await system.recorded(({ trigger, state }) => trigger === 'api' && state === 'complete');
  expect(json.cycle).toBe(recorded.id);
  // The request is known a while longer.
  const again = await ask(url, `/v1/models/m/warm/${json.job}`, { headers });
  expect([again.status, again.json]).toEqual([200, json]);
});

test('without it, and with nothing said, the answer names the request, which can be asked after', async () => {
  const { daemon, url } = await running('scheduler,worker,api');
  await daemon.cycle();
  const asked = await warm(url);
  expect([asked.status, asked.json]).toMatchObject([202, { model: 'm', cycle: null, state: 'waiting' }]);
  const at = String(asked.headers.location);
  expect(at).toBe(`/v1/models/m/warm/${asked.json.job}`);
  const ended = await eventually('the end of the cycle', async () => {
    const { status, json } = await ask(url, at, { headers });
    return status === 200 && json;
  });
  expect(ended).toMatchObject({ state: 'complete', rows: 6, cycle: expect.any(String) });
});

test('a wait is over after the time of a request, and says where to ask again', async () => {
  const { url } = await running('api', { requestTimeout: '300ms' });
  const { status, headers, json } = await warm(url, { wait: true });
  expect([status, json]).toMatchObject([
    202,
    { cycle: null, state: 'waiting', reason: expect.stringContaining('none is running') },
  ]);
  expect(headers).toMatchObject({
    location: `/v1/models/m/warm/${json.job}`,
    'retry-after': '1',
    'cache-control': 'no-store',
  });
  // The same request again is the same request.
  expect((await warm(url, {})).json.job).toBe(json.job);
  expect(await system.queue('warm').count()).toBe(1);
});

test('what is wrong with a request is told, and nothing is asked for', async () => {
  const { url } = await running('api');
  const refusals = [
    [await warm(url, { categories: ['category 0000'] }), 404, 'FW_CATEGORY_UNKNOWN'],
    [await warm(url, {}, 'x'), 404, 'FW_MODEL_UNKNOWN'],
    [await warm(url, { categories: 'all' }), 400, 'FW_HTTP_BAD_REQUEST'],
    [await warm(url, { forced: true }), 400, 'FW_HTTP_BAD_REQUEST'],
    [await warm(url, { force: 'yes' }), 400, 'FW_HTTP_BAD_REQUEST'],
    [await ask(url, '/v1/models/m/warm/999', { headers }), 404, 'FW_HTTP_NOT_FOUND'],
    [await ask(url, '/v1/models/m/warm', { method: 'POST', body: {} }), 401, 'FW_HTTP_UNAUTHORIZED'],
  ] as const;
  for (const [answer, status, code] of refusals) expect([answer.status, answer.json.code]).toEqual([status, code]);
  expect(refusals[0][0].json.next).toBe('Did you mean "category 00000"?');
  expect(await system.queue('warm').count()).toBe(0);
});

test('a model that cannot be warmed is told as what it is', async () => {
  const { daemon, url } = await running('scheduler,worker,api');
  await daemon.cycle();
  system.write('m.onnx', 'this is no model');
  const { status, json } = await warm(url, { wait: true });
  expect([status, json]).toMatchObject([400, { code: 'FW_MODEL_NOT_ONNX', detail: expect.stringContaining('m.onnx') }]);
  expect(daemon.lines.filter(({ message }) => message === 'a request failed')).toEqual([]);
});

test('a request of another model is not to be found under this one', async () => {
  const { url } = await running('api');
  const { job } = (await warm(url)).json;
  expect((await ask(url, `/v1/models/m/warm/${job}`, { headers })).status).toBe(202);
  expect((await ask(url, `/v1/models/x/warm/${job}`, { headers })).status).toBe(404);
});

test('without the Redis of the queues it is refused at once', async () => {
  const { url } = await running('api');
  await system.redis.kill('SIGKILL');
  await eventually('the refusal', async () => (await warm(url)).json.code === 'FW_REDIS_UNAVAILABLE');
  expect((await warm(url, { wait: true })).status).toBe(503);
});
