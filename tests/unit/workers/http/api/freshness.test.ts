import Fastify from 'fastify';
import type { Provenance } from '#shared/predictor/answers';
import { describeAnswer, etagOf, type Form, matches } from '#workers/http/api/freshness';

const answer: Provenance = {
  tier: 'redis',
  generation: '0123456789ab',
  modelVersion: 'v1',
  computedAt: '2026-11-26T00:00:00.000Z',
  ageMs: 7_999,
  stale: false,
};

async function answered({
  ifNoneMatch,
  everyMs = 20_000,
  form = 'json',
  ...changes
}: Partial<Provenance> & Asked = {}) {
  const app = Fastify();
  app.get('/', (request, reply) => {
    const known = describeAnswer(request, reply, { ...answer, ...changes }, everyMs, form);
    return known ? reply.code(304).send() : { given: true };
  });
  const headers = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
  return app.inject({ url: '/', headers });
}

interface Asked {
  readonly ifNoneMatch?: string;
  readonly everyMs?: number;
  readonly form?: Form;
}

test('an answer says where it comes from, how old it is and for how long it may be kept', async () => {
  expect((await answered()).headers).toMatchObject({
    age: '7',
    'cache-control': 'private, max-age=20',
    'forewarm-tier': 'redis',
    'forewarm-generation': '0123456789ab',
    'forewarm-model-version': 'v1',
    'forewarm-computed-at': '2026-11-26T00:00:00.000Z',
    'forewarm-stale': 'false',
  });
});

test('an answer that is stale is asked for again each time', async () => {
  expect((await answered({ stale: true })).headers['cache-control']).toBe('private, no-cache');
});

test('a version with other letters than a header takes is percent-encoded', async () => {
  expect((await answered({ modelVersion: 'März 1\n' })).headers['forewarm-model-version']).toBe('M%C3%A4rz%201%0A');
});

test('who has the answer gets its headers and no body', async () => {
  const etag = String((await answered()).headers.etag);
  const again = await answered({ ifNoneMatch: etag, tier: 'memory', ageMs: 9_000 });
  expect([again.statusCode, again.body]).toEqual([304, '']);
  expect(again.headers).toMatchObject({
    etag,
    age: '9',
    'cache-control': 'private, max-age=20',
    'forewarm-tier': 'memory',
  });
});

test('the tag is another for another row, generation, form or staleness', () => {
  const tags = [
    etagOf(answer, 'json'),
    etagOf(answer, 'bytes'),
    etagOf({ ...answer, stale: true }, 'json'),
    etagOf({ ...answer, generation: 'ba9876543210' }, 'json'),
    etagOf({ ...answer, computedAt: '2026-11-26T00:00:00.001Z' }, 'json'),
  ];
  expect(new Set(tags).size).toBe(tags.length);
  // The bytes of a row are the same as long as the row is; JSON tells the age.
  expect(tags.map((tag) => /^(W\/)?"[\x21\x23-\x7e]+"$/.exec(tag)?.[1])).toEqual(['W/', undefined, 'W/', 'W/', 'W/']);
  expect(etagOf({ ...answer, stale: true, tier: 'memory', ageMs: 1 }, 'bytes')).toBe(tags[1]);
});

test.each([
  ['"a"', true],
  ['W/"a"', true],
  ['*', true],
  [' * ', true],
  ['"b", W/"c" ,"a"', true],
  ['"b","a,", "c"', false],
  ['"b, a"', false],
  ['a', false],
  ['"*"', false],
  ['', false],
])('If-None-Match: %s', (header, known) => {
  expect(matches(header, '"a"')).toBe(known);
  expect(matches(header, 'W/"a"')).toBe(known);
});
