import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { refuseCrossSite } from '#workers/http/cross-site';
import { errorReply } from '#workers/http/error-reply';

/** A listener with one route for each method, which counts what reaches it. */
function listener(loopbackOnly: boolean): { readonly app: FastifyInstance; readonly reached: string[] } {
  const app = Fastify();
  const reached: string[] = [];
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = errorReply(error);
    return reply.code(status).send(body);
  });
  refuseCrossSite(app, { loopbackOnly });
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: '/thing',
    handler: async ({ method }) => {
      reached.push(method);
      return { method };
    },
  });
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  return { app, reached };
}

let app: FastifyInstance;
let reached: string[];

beforeEach(() => {
  ({ app, reached } = listener(true));
});
afterEach(() => app.close());

const HOST = '127.0.0.1:7878';
const JSON_TYPE = { 'content-type': 'application/json' };
const FROM_HERE = { host: HOST, origin: `http://${HOST}`, ...JSON_TYPE };

const send = (headers: Record<string, string>, options: InjectOptions = { method: 'POST', payload: '{}' }) =>
  app.inject({ url: '/thing', ...options, headers });

async function expectRefused(answer: ReturnType<typeof send>, status: number, code: string): Promise<string> {
  const response = await answer;
  expect([response.statusCode, response.json().code]).toEqual([status, code]);
  expect(reached).toEqual([]);
  return response.json().error;
}

describe('Host, while only this machine reaches the listener', () => {
  test.each([
    ...['localhost', 'localhost:7878', 'LocalHost:7878', '127.0.0.1', '127.0.0.1:7878', '127.8.9.10:80'],
    ...['[::1]', '[::1]:7878'],
  ])('%s is read and written to', async (host) => {
    expect((await send({ host }, { method: 'GET' })).statusCode).toBe(200);
    expect((await send({ ...FROM_HERE, host, origin: `http://${host}` })).statusCode).toBe(200);
  });

  test.each([
    ...['evil.example', 'evil.example:7878', 'localhost.evil.example', '127.0.0.1.evil.example:7878', '10.0.0.1:7878'],
    ...['0.0.0.0:7878', '[::]:7878', '[2001:db8::1]', 'xlocalhost', 'localhost:', 'localhost:port', '::1', '127.1'],
    ...['evil.example@127.0.0.1', '127.0.0.1@evil.example', '127.0.0.1/evil.example', '2130706433', '[localhost', ' '],
  ])('%s is refused, reading too', async (host) => {
    const why = await expectRefused(send({ host }, { method: 'GET' }), 403, 'FW_HTTP_CROSS_SITE');
    expect(why).toContain('localhost, 127.0.0.1 or [::1] only');
    // A page that was led here under its own name is of one origin with what it sends.
    await expectRefused(send({ ...FROM_HERE, host, origin: `http://${host}` }), 403, 'FW_HTTP_CROSS_SITE');
  });

  test('none at all is refused', async () => {
    const plain = Fastify();
    plain.addHook('onRequest', async ({ headers }) => {
      delete headers.host;
    });
    refuseCrossSite(plain, { loopbackOnly: true });
    plain.get('/thing', () => 'reached');
    const response = await plain.inject('/thing');
    expect([response.statusCode, response.body]).toEqual([500, expect.stringContaining('the request has no Host')]);
    await plain.close();
  });
});

test('a listener that others reach takes any name, and still only its own pages', async () => {
  await app.close();
  ({ app, reached } = listener(false));
  const host = 'forewarm.example:7878';
  expect((await send({ host }, { method: 'GET' })).statusCode).toBe(200);
  expect((await send({ ...FROM_HERE, host, origin: `http://${host}` })).statusCode).toBe(200);
  reached.length = 0;
  await expectRefused(send({ ...FROM_HERE, host }), 403, 'FW_HTTP_CROSS_SITE');
});

describe('Origin', () => {
  test.each([
    ['127.0.0.1:7878', 'http://127.0.0.1:7878'],
    ['LOCALHOST:7878', 'http://localhost:7878'],
    ['localhost', 'http://localhost'],
    ['localhost:80', 'http://localhost'],
    // Behind something that ends TLS.
    ['localhost', 'https://localhost'],
    ['localhost:443', 'https://localhost'],
    ['[::1]:7878', 'http://[::1]:7878'],
  ])('Host %s, Origin %s: taken', async (host, origin) => {
    expect((await send({ ...FROM_HERE, host, origin })).statusCode).toBe(200);
    expect(reached).toEqual(['POST']);
  });

  test.each([
    ...['http://evil.example', 'http://127.0.0.1', 'http://127.0.0.1:7879', 'http://localhost:7878', 'null', ''],
    ...['http://127.0.0.1:7878.evil.example', '127.0.0.1:7878', 'file://127.0.0.1:7878', 'chrome-extension://abc'],
    ...['http://', 'http://evil.example http://127.0.0.1:7878', 'http://127.0.0.1:7878:80'],
  ])('%j is refused', async (origin) => {
    const why = await expectRefused(send({ ...FROM_HERE, origin }), 403, 'FW_HTTP_CROSS_SITE');
    expect(why).toContain(JSON.stringify(origin));
  });

  test('none at all is refused: every browser names it', async () => {
    const why = await expectRefused(send({ host: HOST, ...JSON_TYPE }), 403, 'FW_HTTP_CROSS_SITE');
    expect(why).toBe('the request has no Origin');
  });
});

describe('Sec-Fetch-Site', () => {
  test.each(['cross-site', 'same-site', 'none', ''])('%j is refused whatever Origin says', async (site) => {
    const why = await expectRefused(send({ ...FROM_HERE, 'sec-fetch-site': site }), 403, 'FW_HTTP_CROSS_SITE');
    expect(why).toBe(`Sec-Fetch-Site is ${JSON.stringify(site)}`);
  });

  test('same-origin is taken, and does not make up for Origin', async () => {
    expect((await send({ ...FROM_HERE, 'sec-fetch-site': 'same-origin' })).statusCode).toBe(200);
    reached.length = 0;
    const evil = { ...FROM_HERE, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' };
    await expectRefused(send(evil), 403, 'FW_HTTP_CROSS_SITE');
  });
});

describe('Content-Type', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8'])(
    '%s is taken',
    async (type) => {
      expect((await send({ ...FROM_HERE, 'content-type': type })).statusCode).toBe(200);
    },
  );

  test.each([
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp'],
    ...['text/plain; application/json', 'application/json5', 'application/ld+json', 'application/json, text/plain', ''],
  ])('%j is refused', async (type) => {
    const why = await expectRefused(send({ ...FROM_HERE, 'content-type': type }), 415, 'FW_HTTP_CONTENT_TYPE');
    expect(why).toContain(JSON.stringify(type));
  });

  test('a body without one is refused, also a streamed one; no body needs none', async () => {
    const { 'content-type': _, ...untyped } = FROM_HERE;
    await expectRefused(send(untyped), 415, 'FW_HTTP_CONTENT_TYPE');
    const streamed = { ...untyped, 'transfer-encoding': 'chunked' };
    await expectRefused(send(streamed, { method: 'PUT' }), 415, 'FW_HTTP_CONTENT_TYPE');
    expect((await send(untyped, { method: 'PUT' })).statusCode).toBe(200);
    // A form without fields.
    reached.length = 0;
    const form = { ...untyped, 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' };
    await expectRefused(send(form, { method: 'POST' }), 415, 'FW_HTTP_CONTENT_TYPE');
  });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const)('%s is held to all of it', async (method) => {
  await expectRefused(send({ host: HOST, ...JSON_TYPE }, { method }), 403, 'FW_HTTP_CROSS_SITE');
  const text = { ...FROM_HERE, 'content-type': 'text/plain' };
  await expectRefused(send(text, { method, payload: 'x' }), 415, 'FW_HTTP_CONTENT_TYPE');
  expect((await send(FROM_HERE, { method, payload: '{}' })).statusCode).toBe(200);
});

test('what only reads needs neither Origin nor Content-Type', async () => {
  for (const method of ['GET', 'HEAD'] as const) {
    expect((await send({ host: HOST, origin: 'http://evil.example' }, { method })).statusCode).toBe(200);
  }
});

test('a header of any length is quoted in short', async () => {
  const why = await expectRefused(send({ ...FROM_HERE, origin: 'x'.repeat(5_000) }), 403, 'FW_HTTP_CROSS_SITE');
  expect(why.length).toBeLessThan(200);
});
