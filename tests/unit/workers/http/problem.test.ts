import Fastify, { type FastifyInstance } from 'fastify';
import { ERROR_CATALOGUE, ForewarmError } from '#shared/errors';
import { problemHandler } from '#workers/http/problem';
import { silentLog } from './silent-log';

let app: FastifyInstance;
let logged: unknown[];

beforeEach(() => {
  logged = [];
  app = Fastify({ bodyLimit: 1_000, ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } });
  app.setErrorHandler(problemHandler({ ...silentLog, error: (...facts) => logged.push(facts) }));
});
afterEach(() => app.close());

const body = {
  type: 'object',
  additionalProperties: false,
  required: ['items'],
  properties: {
    items: { type: 'array', maxItems: 2, items: { type: 'object', properties: { n: { type: 'number' } } } },
  },
};
const querystring = { type: 'object', required: ['category'], additionalProperties: { type: 'string' } };

test('an error of the catalogue has its code, what it means and what to do', async () => {
  app.get('/thing/:id', () => {
    throw new ForewarmError('FW_CELL_UNKNOWN', 'no axis is named week', { next: 'Use day.' });
  });
  const response = await app.inject('/thing/7?day=1');
  expect(response.statusCode).toBe(400);
  expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  expect(response.json()).toEqual({
    type: 'urn:forewarm:error:FW_CELL_UNKNOWN',
    title: ERROR_CATALOGUE.FW_CELL_UNKNOWN.means,
    status: 400,
    detail: 'no axis is named week',
    code: 'FW_CELL_UNKNOWN',
    next: 'Use day.',
    instance: '/thing/7',
  });
  expect(logged).toEqual([]);
});

test('of what nobody foresaw a client learns nothing, and the log all', async () => {
  app.get('/', () => {
    throw new Error('no way to redis://:hunter2@host');
  });
  const response = await app.inject('/');
  expect([response.statusCode, response.json().code]).toEqual([500, 'FW_INTERNAL']);
  expect(response.body).not.toContain('hunter2');
  expect(JSON.stringify(logged)).toContain('no way to redis');
});

test.each<[string, number, string, string, object]>([
  ['no JSON', 400, 'FW_HTTP_BAD_REQUEST', 'JSON', { payload: '{', headers: { 'content-type': 'application/json' } }],
  [
    'an empty body',
    400,
    'FW_HTTP_BAD_REQUEST',
    'empty',
    { payload: '', headers: { 'content-type': 'application/json' } },
  ],
  ['another type', 415, 'FW_HTTP_CONTENT_TYPE', '', { payload: 'a=b', headers: { 'content-type': 'text/csv' } }],
  ['a body that is too large', 413, 'FW_HTTP_TOO_LARGE', 'too large', { payload: { items: ['x'.repeat(1_001)] } }],
  [
    'too many items',
    413,
    'FW_HTTP_TOO_LARGE',
    'body.items has more than 2 items',
    { payload: { items: [{}, {}, {}] } },
  ],
  ['a member that is missing', 400, 'FW_HTTP_BAD_REQUEST', 'body.items is missing', { payload: {} }],
  ['a wrong type', 400, 'FW_HTTP_BAD_REQUEST', 'body.items.0.n must be number', { payload: { items: [{ n: '1' }] } }],
  ['a member too many', 400, 'FW_HTTP_BAD_REQUEST', 'additional properties ("x")', { payload: { items: [], x: 1 } }],
])('%s', async (_, status, code, detail, options) => {
  app.post('/', { schema: { body } }, () => 'ok');
  const response = await app.inject({ method: 'POST', url: '/', ...options });
  expect([response.statusCode, response.json().code]).toEqual([status, code]);
  expect(response.json().detail).toContain(detail);
  expect(logged).toEqual([]);
});

test.each([
  ['/?category=a&day=1&day=2', 'query.day is given more than once'],
  ['/?day=1', 'query.category is missing'],
])('%s', async (url, detail) => {
  app.get('/', { schema: { querystring } }, () => 'ok');
  expect((await app.inject(url)).json()).toMatchObject({ code: 'FW_HTTP_BAD_REQUEST', detail });
});
