import Fastify, { type FastifyInstance } from 'fastify';
import { problemHandler } from '#workers/http/problem';
import { requireToken, Tokens } from '#workers/http/tokens';
import { silentLog } from './silent-log';

const OLD = 'old-old-old-old-old';
const NEW = 'new-new-new-new-new';

let app: FastifyInstance;

beforeEach(() => {
  app = Fastify();
  app.setErrorHandler(problemHandler(silentLog));
  requireToken(app, new Tokens([OLD, NEW]));
  app.get('/page', () => 'shown');
});
afterEach(() => app.close());

const get = (authorization?: string) => app.inject({ url: '/page', headers: authorization ? { authorization } : {} });
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test.each([...[`Bearer ${OLD}`, `Bearer ${NEW}`, `bearer   ${NEW}`, basic(`:${OLD}`), basic(`anybody:${NEW}`)]])(
  '%s is let in',
  async (authorization) => {
    expect((await get(authorization)).statusCode).toBe(200);
  },
);

test.each([
  ...[`Bearer ${OLD}x`, `Bearer ${OLD.slice(1)}`, 'Bearer', `Bearer ${OLD} ${NEW}`, `Token ${OLD}`, OLD],
  ...[basic(OLD.slice(1)), basic(`${OLD}:`), basic(`a:${OLD}:`), 'Basic ***', `Basic ${OLD}`],
])('%j is not', async (authorization) => {
  const response = await get(authorization);
  expect(response.statusCode).toBe(401);
  expect(response.json()).toMatchObject({ code: 'FW_HTTP_UNAUTHORIZED', status: 401 });
  expect(response.headers['www-authenticate']).toContain('Bearer realm="forewarm", error="invalid_token"');
});

test('without any, the client is told how to show one', async () => {
  const { statusCode, headers } = await get();
  expect([statusCode, headers['www-authenticate']]).toEqual([
    401,
    'Bearer realm="forewarm", Basic realm="forewarm", charset="UTF-8"',
  ]);
});

test('a password is taken where a page asks, and nowhere else', () => {
  const tokens = new Tokens([OLD]);
  const request = { headers: { authorization: basic(`x:${OLD}`) } } as Parameters<Tokens['carriedBy']>[0];
  expect(tokens.carriedBy(request)).toBeUndefined();
  expect(tokens.carriedBy(request, ['basic'])).toBe(0);
});

test('no token is none that fits', () => {
  const request = { headers: { authorization: 'Bearer undefined' } } as Parameters<Tokens['carriedBy']>[0];
  expect(new Tokens([]).carriedBy(request)).toBeUndefined();
  expect(new Tokens([]).configured).toBe(false);
});
