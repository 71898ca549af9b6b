import { SMALL_AXES, smallModel, someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** What the API says of itself. */

jest.setTimeout(120_000);

const TOKEN = 'a-token-of-16-or-more';
let system: TestSystem;
let url: string;
// biome-ignore lint/suspicious/noExplicitAny: what is expected of it stands in the tests
let document: any;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
  const categories = someCategories(3);
  system.write('m.onnx', smallModel(categories));
  const model = { file: 'm.onnx', axes: SMALL_AXES, categories, every: '1h' };
  const strict = { ...model, unknownCategories: 'refuse' };
  system.configure({ calls: model, strict }, { http: { port: 0, maxBatch: 77, tokens: [TOKEN] } });
  const daemon = system.daemon(['start', '--roles', 'api']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  url = await daemon.url();
  document = (await ask(url, '/openapi.json')).json;
});
afterAll(() => system.stop());

/** Every operation, as `GET /path`. */
const operations = () =>
  Object.entries(document.paths as Record<string, Record<string, object>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
  );

test('every route of the API is in the document, and nothing else', () => {
  const inference = ['', '/versions/{version}'].flatMap((version) => [
    `GET /v2/models/{model}${version}`,
    `GET /v2/models/{model}${version}/ready`,
    `POST /v2/models/{model}${version}/infer`,
  ]);
  const own = ['calls', 'strict'].flatMap((name) => [
    `GET /v1/models/${name}/predictions`,
    `GET /v1/models/${name}/rows`,
  ]);
  expect(
    operations()
      .map(([name]) => name)
      .sort(),
  ).toEqual(
    [
      ...own,
      ...inference,
      ...['GET /v1/models', 'GET /v1/models/{model}'],
      ...['GET /v1/models/{model}/predictions', 'POST /v1/models/{model}/predictions'],
      ...['GET /v1/models/{model}/rows', 'POST /v1/models/{model}/warm', 'GET /v1/models/{model}/warm/{job}'],
      'POST /v1/models/{model}/publish',
      ...['GET /v2', 'GET /v2/health/live', 'GET /v2/health/ready'],
    ].sort(),
  );
});

test('it is OpenAPI 3.1 with a version, the token, and names of operations that are all different', () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Forewarm', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  });
  const ids = operations().flatMap(([, operation]) => (operation as { operationId?: string }).operationId ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, operation] of operations()) {
    expect(operation).toMatchObject({ summary: expect.any(String), tags: [expect.any(String)] });
  }
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference = '']) => reference,
  );
  expect(references.length).toBeGreaterThan(20);
  for (const reference of new Set(references)) {
    const [root, ...path] = reference.split('/');
    const found = path.reduce((at, part) => at?.[part], document);
    expect([reference, root, typeof found]).toEqual([reference, '#', 'object']);
  }
});

test('a model of the configuration has its axes as parameters', () => {
  const { parameters } = document.paths['/v1/models/calls/predictions'].get;
  expect(parameters).toMatchObject([
    { name: 'category', in: 'query', required: true, example: 'category 00000', schema: { type: 'string' } },
    { name: 'day', in: 'query', required: true, schema: { type: 'integer', enum: [0, 1, 2, 3] } },
    { name: 'hour', in: 'query', required: true, schema: { type: 'integer', enum: [0, 1, 2, 3, 4, 5] } },
  ]);
  // Any other is computed by the one, and refused by the other.
  expect(parameters[0].schema.enum).toBeUndefined();
  const [category] = document.paths['/v1/models/strict/predictions'].get.parameters;
  expect(category.schema.enum).toEqual(someCategories(3));
});

test('the limits are those of the configuration', () => {
  expect(document.components.schemas.Items.properties.items.maxItems).toBe(77);
});

test('the page and what it loads are here, under a policy that lets nothing in from elsewhere', async () => {
  const page = await ask(url, '/docs');
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/https?:|\*/);
  const loaded = [...page.bytes.toString().matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(loaded.length).toBeGreaterThan(3);
  for (const path of loaded) expect([path, (await ask(url, path)).status]).toEqual([path, 200]);
});
