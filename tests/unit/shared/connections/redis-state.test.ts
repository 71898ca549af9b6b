import { evicts, parseRedisInfo } from '#shared/connections/redis-state';

const INFO = [
  '# Server',
  'redis_version:7.0.15',
  'run_id:bfe705768ff894ba7ea9c3f595034b9e2b6bc4a2',
  '# Memory',
  'used_memory:916824',
  'used_memory_human:895.34K',
  'maxmemory:1048576',
  'maxmemory_policy:allkeys-lru',
  '# Stats',
  'evicted_keys:12',
  'evicted_clients:0',
  '# Keyspace',
  'db0:keys=30,expires=0,avg_ttl=0',
  'db3:keys=4,expires=1,avg_ttl=12',
  '',
].join('\r\n');

test('the answer of a server is read field by field', () => {
  expect(parseRedisInfo(INFO)).toEqual({
    runId: 'bfe705768ff894ba7ea9c3f595034b9e2b6bc4a2',
    usedBytes: 916_824,
    maxBytes: 1_048_576,
    policy: 'allkeys-lru',
    evictedKeys: 12,
    keys: 34,
  });
});

test('what a server leaves out is zero or empty', () => {
  const nothing = { runId: '', usedBytes: 0, maxBytes: 0, policy: '', evictedKeys: 0, keys: 0 };
  expect(parseRedisInfo('')).toEqual(nothing);
});

test.each([
  ['it has evicted and is at its limit', {}, true],
  ['it has no limit', { maxBytes: 0 }, false],
  ['it may not evict', { policy: 'noeviction' }, false],
  ['it has evicted nothing', { evictedKeys: 0 }, false],
  ['it evicted once and has room now', { usedBytes: 500_000 }, false],
])('a server evicts or not: %s', (_, change, expected) => {
  expect(evicts({ ...parseRedisInfo(INFO), ...change })).toBe(expected);
});
