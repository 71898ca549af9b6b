import { cellCount, coordinatesOf } from '#shared/cache/grid';
import { decodeRow } from '#shared/cache/row';
import { someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** Predictions, rows and models of a real daemon over HTTP. */

jest.setTimeout(120_000);

const categories = [...someCategories(4), 'Ärger & "Not": 100 %', 'a+b/c?d=e#f'];
const AXES = [
  { name: 'day', values: [0, 1, 2, 3] },
  { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
];

let system: TestSystem;
let url: string;

beforeAll(async () => {
  system = await TestSystem.start();
  const settings = { http: { port: 0, maxBatch: 50, maxBody: '16KiB' } };
  system.configureSmall(categories, { every: '1h', settings, unknownCategories: 'refuse' });
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api']);
  await daemon.cycle();
  url = await daemon.url();
});
afterAll(() => system.stop());

/** What the usual model gives. */
const expected = (category: string, day: number, hour: number): number =>
  (categories.indexOf(category) + 1) * 10 + day * 0.5 + hour * 0.25;

const pathOf = (category: string, rest = ''): string =>
  `/v1/models/m/predictions?${new URLSearchParams({ category })}${rest}`;

const PROVENANCE = {
  tier: expect.stringMatching(/^(memory|redis)$/),
  generation: expect.stringMatching(/^[0-9a-f]{12}$/),
  modelVersion: expect.any(String),
  computedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  ageMs: expect.any(Number),
  stale: false,
};

test.each(categories)(
  'a prediction of %s, with where it comes from in the body and in the headers',
  async (category) => {
    const { status, headers, json } = await ask(url, pathOf(category, '&day=3&hour=4'));
    expect([status, json]).toEqual([
      200,
      { model: 'm', category, values: { prediction: expected(category, 3, 4) }, ...PROVENANCE },
    ]);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'private, max-age=3600',
      'forewarm-generation': json.generation,
      'forewarm-tier': json.tier,
      'forewarm-computed-at': json.computedAt,
      etag: expect.stringMatching(/^W\/"[^"]+"$/),
    });
    expect(Math.abs(Number(headers.age) - json.ageMs / 1_000)).toBeLessThanOrEqual(1);
  },
);

test('who has the answer already is told so in 304, without a body', async () => {
  const path = pathOf('category 00000', '&day=1&hour=1');
  const { etag } = (await ask(url, path)).headers;
  for (const known of [String(etag), '*', `"x", ${etag}`, String(etag).replace('W/', '')]) {
    const again = await ask(url, path, { headers: { 'if-none-match': known } });
    expect([known, again.status, again.bytes.length, again.headers.etag]).toEqual([known, 304, 0, etag]);
    expect(again.headers).toMatchObject({ 'cache-control': 'private, max-age=3600', age: expect.any(String) });
  }
  expect((await ask(url, path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
});

test('HEAD gives the headers alone', async () => {
  const { status, headers, bytes } = await ask(url, pathOf('category 00000', '&day=1&hour=1'), { method: 'HEAD' });
  expect([status, bytes.length, headers.etag]).toEqual([200, 0, expect.any(String)]);
});

test.each<[string, string, number, string, RegExp]>([
  ['an unknown axis', '&day=1&hour=1&week=2', 400, 'FW_CELL_UNKNOWN', /week.*day, hour/],
  ['an axis that is missing', '&day=1', 400, 'FW_CELL_UNKNOWN', /hour.*day, hour/],
  ['a value that is not on the axis', '&day=9&hour=1', 400, 'FW_CELL_UNKNOWN', /day=9.*0, 1, 2, 3/],
  ['no text', '&day=&hour=1', 400, 'FW_CELL_UNKNOWN', /day=/],
  ['an axis twice', '&day=1&day=1&hour=1', 400, 'FW_HTTP_BAD_REQUEST', /query\.day is given more than once/],
  ['two categories', '&category=x&day=1&hour=1', 400, 'FW_HTTP_BAD_REQUEST', /query\.category is given more than once/],
  ['a name of every object', '&day=1&hour=1&constructor=1', 400, 'FW_CELL_UNKNOWN', /constructor/],
])('%s is refused', async (_, rest, status, code, detail) => {
  const { headers, json, ...answer } = await ask(url, pathOf('category 00000', rest));
  expect([answer.status, json.code, json.detail]).toEqual([status, code, expect.stringMatching(detail)]);
  expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  expect(headers.etag).toBeUndefined();
});

test.each<[string, string, number, string]>([
  ['no category', '/v1/models/m/predictions?day=1&hour=1', 400, 'FW_HTTP_BAD_REQUEST'],
  ['an empty category', '/v1/models/m/predictions?category=&day=1&hour=1', 400, 'FW_HTTP_BAD_REQUEST'],
  ['an unknown category', '/v1/models/m/predictions?category=nobody&day=1&hour=1', 404, 'FW_CATEGORY_UNKNOWN'],
  ['an unknown model', '/v1/models/x/predictions?category=a&day=1&hour=1', 404, 'FW_MODEL_UNKNOWN'],
  ['a name that is none of a model', '/v1/models/%7B*%7D/predictions?category=a', 404, 'FW_MODEL_UNKNOWN'],
  ['a row with an axis', '/v1/models/m/rows?category=category%2000000&day=1', 400, 'FW_HTTP_BAD_REQUEST'],
  ['a path that is not there', '/v1/models/m/nothing', 404, 'FW_HTTP_NOT_FOUND'],
  ['a path that is none', '/v1/models/%zz/rows', 400, 'FW_HTTP_BAD_REQUEST'],
])('%s', async (_, path, status, code) => {
  const { json, ...answer } = await ask(url, path);
  expect([answer.status, json.status, json.code]).toEqual([status, status, code]);
  expect(json.instance).toBe(path.split('?')[0]);
});

test('a method that a path does not take is told which it takes', async () => {
  const { status, headers, json } = await ask(url, '/v1/models/m/rows?category=a', { method: 'DELETE' });
  expect([status, json.code, headers.allow]).toEqual([405, 'FW_HTTP_METHOD', 'GET, HEAD']);
});

test('a row as a grid, and as it is stored', async () => {
  const [, category = ''] = categories;
  const path = `/v1/models/m/rows?${new URLSearchParams({ category })}`;
  const grid = await ask(url, path);
  const values = [0, 1, 2, 3].map((day) => [0, 1, 2, 3, 4, 5].map((hour) => expected(category, day, hour)));
  expect([grid.status, grid.json]).toEqual([
    200,
    { model: 'm', category, axes: AXES, outputs: ['prediction'], values: { prediction: values }, ...PROVENANCE },
  ]);
  const stored = await ask(url, path, { headers: { accept: 'application/octet-stream' } });
  expect(stored.headers).toMatchObject({ 'content-type': 'application/octet-stream', vary: 'accept' });
  expect(stored.headers.etag).toMatch(/^"[^"]+"$/);
  const generation = String(stored.headers['forewarm-generation']);
  expect(stored.bytes).toEqual((await system.rows(generation, [category])).get(category));
  const decoded = decodeRow(stored.bytes);
  if (!decoded.ok) throw new Error(decoded.fault);
  expect([...decoded.row.values]).toEqual(
    Array.from({ length: cellCount(AXES) }, (_, cell) => {
      const [day = 0, hour = 0] = coordinatesOf(AXES, cell).map(Number);
      return expected(category, day, hour);
    }),
  );
  for (const { headers } of [grid, stored]) {
    const accept = headers === stored.headers ? 'application/octet-stream' : 'application/json';
    const again = await ask(url, path, { headers: { accept, 'if-none-match': String(headers.etag) } });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
  }
  // The one is not the other.
  const other = await ask(url, path, { headers: { 'if-none-match': String(stored.headers.etag) } });
  expect(other.status).toBe(200);
});

test('the models, with what one has to know to ask', async () => {
  const model = {
    ...{ model: 'm', axes: AXES, outputs: ['prediction'], tier: 'redis' },
    generation: expect.stringMatching(/^[0-9a-f]{12}$/),
    modelVersion: expect.any(String),
    publishedAt: expect.any(String),
    categories: { count: 6, first: categories.slice(0, 5) },
  };
  const list = await ask(url, '/v1/models');
  expect([list.status, list.json]).toMatchObject([200, { models: [model], unavailable: [] }]);
  expect((await ask(url, '/v1/models/m')).json).toMatchObject(model);
  expect((await ask(url, '/v1/models/x')).json).toMatchObject({ status: 404, code: 'FW_MODEL_UNKNOWN' });
});

const post = (body: unknown, headers: Record<string, string> = {}, model = 'm') =>
  ask(url, `/v1/models/${model}/predictions`, { method: 'POST', body, headers });

const item = (category: string, day: number | string = 1, hour: number | string = 2) => ({
  category,
  coordinates: { day, hour },
});

test('many predictions at once: an outcome for each, in their order', async () => {
  const [first = '', second = ''] = categories;
  const items = [
    item(first),
    item('nobody'),
    item(second, '3', '5'),
    item(first, 7),
    { category: first, coordinates: {} },
  ];
  const { status, headers, json } = await post({ items });
  expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  expect(json).toEqual({
    ...{ model: 'm', fulfilled: 2, rejected: 3 },
    outcomes: [
      { status: 'fulfilled', value: { values: { prediction: expected(first, 1, 2) }, ...PROVENANCE } },
      { status: 'rejected', reason: expect.objectContaining({ status: 404, code: 'FW_CATEGORY_UNKNOWN' }) },
      { status: 'fulfilled', value: { values: { prediction: expected(second, 3, 5) }, ...PROVENANCE } },
      { status: 'rejected', reason: expect.objectContaining({ status: 400, code: 'FW_CELL_UNKNOWN' }) },
      { status: 'rejected', reason: expect.objectContaining({ status: 400, code: 'FW_CELL_UNKNOWN' }) },
    ],
  });
});

test.each<[string, unknown, number, string]>([
  ['more items than may be', { items: Array.from({ length: 51 }, () => item('a')) }, 413, 'FW_HTTP_TOO_LARGE'],
  ['a body that is too large', { items: [item('x'.repeat(17_000))] }, 413, 'FW_HTTP_TOO_LARGE'],
  ['no items', { items: [] }, 400, 'FW_HTTP_BAD_REQUEST'],
  ['an item without a category', { items: [{ coordinates: {} }] }, 400, 'FW_HTTP_BAD_REQUEST'],
  ['a list for a value', { items: [{ category: 'a', coordinates: { day: [1] } }] }, 400, 'FW_HTTP_BAD_REQUEST'],
  ['a member that is not known', { items: [item('a')], model: 'n' }, 400, 'FW_HTTP_BAD_REQUEST'],
])('%s is refused as a whole', async (_, body, status, code) => {
  const { json, ...answer } = await post(body);
  expect([answer.status, json.code]).toEqual([status, code]);
});

test.each<[string, string, string, number, string]>([
  ['text', '{"items":[]}', 'text/plain', 415, 'FW_HTTP_CONTENT_TYPE'],
  ['a form', 'items=1', 'application/x-www-form-urlencoded', 415, 'FW_HTTP_CONTENT_TYPE'],
  ['no JSON', '{"items":', 'application/json', 400, 'FW_HTTP_BAD_REQUEST'],
  ['a poisoned prototype', '{"items":[],"__proto__":{"x":1}}', 'application/json', 400, 'FW_HTTP_BAD_REQUEST'],
])('%s is no body', async (_, body, type, status, code) => {
  const { json, ...answer } = await post(body, { 'content-type': type });
  expect([answer.status, json.code]).toEqual([status, code]);
});

test('a model that is unknown is wrong with the request, not with each item', async () => {
  const { status, json } = await post({ items: [item('a'), item('b')] }, {}, 'x');
  expect([status, json.code]).toEqual([404, 'FW_MODEL_UNKNOWN']);
});

test('what was read is on /metrics, by model, tier and outcome', async () => {
  await ask(url, pathOf('category 00000', '&day=1&hour=1'));
  const lines = (await ask(url, '/metrics')).bytes.toString().split('\n');
  const hits = lines.filter((line) => /^forewarm_reads_total\{model="m",tier="\w+",outcome="hit"\} [1-9]/.test(line));
  expect(hits).not.toEqual([]);
  expect(
    lines.some((line) => line.startsWith('forewarm_read_duration_seconds_bucket{model="m",tier="redis",le="')),
  ).toBe(true);
});
