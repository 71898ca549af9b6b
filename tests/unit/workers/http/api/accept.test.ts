import { prefersBytes } from '#workers/http/api/accept';

test.each([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['application/json', false],
  ['application/*', false],
  ['application/octet-stream', true],
  ['Application/Octet-Stream', true],
  ['application/octet-stream, application/json', false],
  ['application/octet-stream, application/json;q=0.9', true],
  ['application/octet-stream;q=0.5, application/json;q=0.9', false],
  ['application/octet-stream, */*;q=0.1', true],
  ['application/octet-stream;q=0', false],
  ['text/html, application/octet-stream ; q=0.5', true],
  ['application/octet-stream;q=x', false],
])('Accept: %s', (accept, bytes) => expect(prefersBytes(accept)).toBe(bytes));
