import { ERROR_CATALOGUE, type ErrorCode, ForewarmError } from '#shared/errors';
import { errorReply } from '#workers/http/error-reply';

test.each<[ErrorCode, number]>([
  ['FW_JOB_PAYLOAD', 400],
  ['FW_HTTP_CROSS_SITE', 403],
  ['FW_MODEL_UNKNOWN', 404],
  ['FW_HTTP_READ_ONLY', 405],
  ['FW_NOTHING_TO_RETRY', 409],
  ['FW_HTTP_CONTENT_TYPE', 415],
  ['FW_INFERENCE_FAILED', 500],
  ['FW_REDIS_UNAVAILABLE', 503],
])('%s is answered with %d, what is wrong and what to do', (code, status) => {
  expect(errorReply(new ForewarmError(code, 'something is wrong', { next: 'Mend it.' }))).toEqual({
    status,
    body: { code, error: 'something is wrong', message: 'Mend it.' },
  });
  expect(errorReply(new ForewarmError(code, 'x')).body.message).toBe(ERROR_CATALOGUE[code].next);
});

test('what the HTTP server refuses keeps its status and its words', () => {
  const error = Object.assign(new Error('Request body is too large'), { statusCode: 413 });
  expect(errorReply(error)).toEqual({ status: 413, body: { error: 'Request body is too large' } });
});

test.each([
  new Error('connect to redis://:secret@host'),
  Object.assign(new Error('secret'), { statusCode: 500 }),
  Object.assign(new Error('secret'), { statusCode: 'secret' }),
  'secret',
  undefined,
  null,
])('of %p a client learns nothing', (thrown) => {
  const { status, body } = errorReply(thrown);
  expect([status, body.code]).toEqual([500, 'FW_INTERNAL']);
  expect(JSON.stringify(body)).not.toContain('secret');
});
