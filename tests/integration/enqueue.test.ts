import type { Redis } from 'ioredis';
import { Enqueuer } from '#jobs/enqueue';
import { registry } from '#jobs/registry';
import { closeRedis, connectRedis, makeRedis } from '#shared/connections/redis';
import { startRedis } from '../support/servers/redis';
import type { TestServer } from '../support/servers/test-server';
import { eventually } from '../support/system';

/** Queues are opened when they are first used, and that may be just when Redis does not answer. */

jest.setTimeout(60_000);

let redis: TestServer;
let client: Redis;
let enqueue: Enqueuer;

beforeEach(async () => {
  redis = await startRedis();
  client = makeRedis(redis.url, 'prompt', () => undefined);
  await connectRedis(client, 'Redis (queue)', 5_000);
  enqueue = new Enqueuer(registry.definitions, client, 'forewarm', () => undefined);
});
afterEach(async () => {
  await enqueue.close();
  await closeRedis(client);
  await redis.stop();
});

const flow = (id: string) => {
  const common = { cycle: id, model: 'm', generation: '0123456789ab', copyKept: false };
  const payload = { ...common, trigger: 'command', startedAtMs: 0, batchSizes: [1], batchStarts: ['a'], whole: null };
  const batch = { ...common, number: 0, mode: 'compute', categories: ['a'] };
  return enqueue.addFlow('publish', { id, payload }, 'warm-batch', [{ id: `${id}-b0`, payload: batch }]);
};
const warm = () => enqueue.add('warm', { model: 'm', trigger: 'command' });

test('what could not be opened while Redis hung is opened by the next use', async () => {
  await redis.kill('SIGSTOP');
  const attempts = await Promise.allSettled([warm(), flow('first'), enqueue.queue('publish').getJobCounts()]);
  expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await redis.kill('SIGCONT');
  await eventually('an answer', () => client.ping().catch(() => undefined));
  expect(await warm()).toEqual(expect.any(String));
  await flow('second');
  expect(await enqueue.isPending('publish', 'second')).toBe(true);
});

test('what was opened before goes on when Redis is back', async () => {
  await warm();
  await flow('first');
  await redis.kill();
  await expect(warm()).rejects.toThrow();
  await expect(flow('second')).rejects.toThrow();
  await redis.restart();
  await connectRedis(client, 'Redis (queue)', 20_000);
  expect(await warm()).toEqual(expect.any(String));
  await flow('third');
  expect(await enqueue.isPending('publish', 'third')).toBe(true);
});
