import { connect } from 'node:net';
import { eventually, SMALL_AXES, smallModel, someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** Requests that take too long, that come in pieces or not at all, and clients that do not wait. */

jest.setTimeout(120_000);

const categories = someCategories(4);
let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
});
afterEach(() => system.stop());

/** A daemon that only answers, of a model that takes its time over the category `slow`. */
async function slowly(settings: Record<string, unknown>) {
  const slow = { iterations: 3_000_000, when: { input: 'category', equals: 'slow' } };
  system.write('m.onnx', smallModel(categories, { slow }));
  system.configure(
    { m: { file: 'm.onnx', axes: SMALL_AXES, categories, every: '1h' } },
    { http: { port: 0 }, ...settings },
  );
  const daemon = system.daemon(['start', '--roles', 'api']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return { daemon, url: await daemon.url() };
}

const SLOW = '/v1/models/m/predictions?category=slow&day=1&hour=1';

test('an answer that no tier has in time is refused with 504', async () => {
  const { url } = await slowly({ reader: { deadline: '300ms' } });
  const { status, json } = await ask(url, SLOW);
  expect([status, json]).toMatchObject([504, { code: 'FW_READ_DEADLINE', status: 504, detail: expect.any(String) }]);
});

test('a client that goes away is no trouble: nothing is logged, and others are answered', async () => {
  const { daemon, url } = await slowly({ reader: { deadline: '2s' } });
  const { port } = new URL(url);
  const sockets = Array.from({ length: 5 }, () => connect(Number(port), '127.0.0.1'));
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => undefined);
          socket.write(`GET ${SLOW} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, () => resolve());
        }),
    ),
  );
  // It was heard: the first answer behind it comes after it.
  expect((await ask(url, '/healthz')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  const quick = await ask(
    url,
    `/v1/models/m/predictions?${new URLSearchParams({ category: categories[0] ?? '', day: '1', hour: '1' })}`,
  );
  expect([200, 503, 504]).toContain(quick.status);
  expect((await ask(url, '/healthz')).status).toBe(200);
  expect(daemon.lines.filter(({ level, message }) => level === 'error' || message === 'a request failed')).toEqual([]);
});

/** What a server answers to these bytes before it closes. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
    socket.write(text);
  });
}

const parts = (answer: string) => {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { head, problem: JSON.parse(body) };
};

test('a request that does not arrive in time, or is none, is told so as a problem', async () => {
  const { url } = await slowly({ http: { port: 0, requestTimeout: '300ms' } });
  const begun = 'POST /v1/models/m/predictions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  const late = parts(await raw(url, `${begun}Content-Length: 100\r\n\r\n{"items":[`));
  expect(late.head).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*application\/problem\+json/);
  expect(late.problem).toMatchObject({ status: 408, code: 'FW_HTTP_TIME_LIMIT' });
  const none = parts(await raw(url, 'hello\r\n\r\n'));
  expect(none.head).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  expect(none.problem).toMatchObject({ status: 400, code: 'FW_HTTP_BAD_REQUEST' });
  const long = parts(await raw(url, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`));
  expect(long.head).toMatch(/^HTTP\/1\.1 431 /);
  expect(long.problem).toMatchObject({ status: 431, code: 'FW_HTTP_TOO_LARGE' });
});

test('a daemon that stops answers what is under way, and waits for no client that keeps its connection', async () => {
  const { daemon, url } = await slowly({});
  const idle = connect(Number(new URL(url).port), '127.0.0.1');
  idle.on('error', () => undefined);
  idle.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  const begun = 'POST /v1/models/m/predictions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString();
  });
  socket.write(`${begun}Content-Length: 12\r\n\r\n{"items"`);
  // It was heard: the answer to who came later is there.
  expect((await ask(url, '/healthz')).status).toBe(200);
  daemon.signal('SIGTERM');
  await eventually('that nobody is let in', () =>
    ask(url, '/healthz').then(
      () => false,
      () => true,
    ),
  );
  socket.write(':[]}');
  expect(await daemon.ended).toEqual({ code: 0, signal: null });
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*FW_HTTP_BAD_REQUEST/);
  idle.destroy();
  socket.destroy();
});
