import type { Finding } from '#workers/doctor/finding';
import { clockFinding } from '#workers/doctor/machine-checks';

test.each<[number, number, Finding['verdict']]>([
  [0.2, 1, 'pass'],
  [900, 1, 'pass'],
  // It may be as little as 1 ms.
  [5_000, 4_999, 'pass'],
  [-5_000, 1, 'warn'],
  [60_000, 20, 'fail'],
])('a clock %i ms ahead, give or take %i ms: %s', (aheadMs, uncertainMs, verdict) => {
  expect(clockFinding('Redis', { aheadMs, uncertainMs })).toMatchObject({ check: 'clock of Redis', verdict });
});
