import { asking, sameRedisServer } from '#shared/connections/redis';

test.each([
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1'],
  ['redis://127.0.0.1:6379/0', 'redis://user:password@127.0.0.1:6379/1'],
  ['redis://cache:6379', 'rediss://cache:6379'],
  ['unix:///run/redis.sock', '/run/redis.sock?db=1'],
])('%s and %s are one server', (a, b) => {
  expect([sameRedisServer(a, b), sameRedisServer(b, a)]).toEqual([true, true]);
});

test.each([
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6380'],
  ['redis://cache', 'redis://queue'],
  ['redis://cache', '/run/redis.sock'],
  ['/run/cache.sock', '/run/queue.sock'],
])('%s and %s are two', (a, b) => {
  expect(sameRedisServer(a, b)).toBe(false);
});

test('what the client says of its own options when there is no connection is not passed on', async () => {
  const error = new Error(
    'Reached the max retries per request limit (which is 3). Refer to "maxRetriesPerRequest" option.',
  );
  error.name = 'MaxRetriesPerRequestError';
  const quick = new Error("Stream isn't writeable and enableOfflineQueue options is false");
  for (const thrown of [error, quick]) {
    await expect(asking('reading a row', Promise.reject(thrown))).rejects.toMatchObject({
      code: 'FW_REDIS_UNAVAILABLE',
      message: 'reading a row: there is no connection',
    });
  }
});
