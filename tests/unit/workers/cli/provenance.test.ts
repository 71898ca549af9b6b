import type { Provenance } from '#shared/predictor/answers';
import { describeProvenance } from '#workers/cli/provenance';

const asked = { model: 'calls', category: 'EMS: CARDIAC EMERGENCY', axes: 'day=3 hour=14' };
const provenance: Provenance = {
  tier: 'redis',
  generation: '5bb49057b4f0',
  modelVersion: '51c38620d7bd',
  computedAt: '2026-11-24T04:24:39.000Z',
  ageMs: 312_000,
  stale: false,
};

test.each([
  [
    Number.POSITIVE_INFINITY,
    ['from redis, generation 5bb49057b4f0, model version 51c38620d7bd, computed 5m 12s ago (fresh)'],
  ],
  [80, ['from redis, generation 5bb49057b4f0, model version 51c38620d7bd,', 'computed 5m 12s ago (fresh)']],
  [40, ['from redis, generation 5bb49057b4f0,', 'model version 51c38620d7bd,', 'computed 5m 12s ago (fresh)']],
  [10, ['from redis,', 'generation 5bb49057b4f0,', 'model version 51c38620d7bd,', 'computed 5m 12s ago (fresh)']],
])('in %d columns', (columns, source) => {
  expect(describeProvenance(asked, provenance, columns)).toEqual(
    ['calls | EMS: CARDIAC EMERGENCY | day=3 hour=14', ...source].map((line) => `  ${line}`),
  );
});

test('what was not asked leaves no gap, a stale answer says so, and nothing is obeyed', () => {
  const lines = describeProvenance(
    { ...asked, category: 'a\u001b[2J', axes: '' },
    { ...provenance, stale: true, modelVersion: '2\u001b[2J' },
    Number.POSITIVE_INFINITY,
  );
  expect(lines[0]).toBe('  calls | a\\u001b[2J');
  expect(lines[1]).toMatch(/^[^\p{Cc}]+ \(stale\)$/u);
});
