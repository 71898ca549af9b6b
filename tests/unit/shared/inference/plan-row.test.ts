import fc from 'fast-check';
import { isGood, planRow, type RowAction, type RowCopy, type RowDemands } from '#shared/inference/plan-row';

const NOW = 1_700_000_000_000;
const MAX_AGE = 3_600_000;
const inputs = Buffer.from('0102030405060708', 'hex');
const other = Buffer.from('0102030405060709', 'hex');

type Kind = 'missing' | 'corrupt' | 'changed' | 'unknown inputs' | 'old' | 'from the future' | 'good';

const COPIES: Record<Kind, RowCopy | undefined> = {
  missing: undefined,
  corrupt: { whole: false, computedAtMs: NOW, inputs },
  changed: { whole: true, computedAtMs: NOW, inputs: other },
  'unknown inputs': { whole: true, computedAtMs: NOW, inputs: undefined },
  old: { whole: true, computedAtMs: NOW - MAX_AGE - 1, inputs },
  'from the future': { whole: true, computedAtMs: NOW + MAX_AGE + 1, inputs },
  good: { whole: true, computedAtMs: NOW - MAX_AGE, inputs },
};
const KINDS = Object.keys(COPIES) as Kind[];

/** Which copies will do, by what is asked of them: all that the planner may depend on. */
const GOOD: [string, RowDemands, readonly Kind[]][] = [
  ['with inputs and age', { inputs, maxAgeMs: MAX_AGE, nowMs: NOW }, ['good']],
  ['with inputs alone', { inputs, maxAgeMs: undefined, nowMs: NOW }, ['good', 'old', 'from the future']],
  ['with age alone', { inputs: undefined, maxAgeMs: MAX_AGE, nowMs: NOW }, ['good', 'changed', 'unknown inputs']],
  [
    'with neither',
    { inputs: undefined, maxAgeMs: undefined, nowMs: NOW },
    ['good', 'old', 'from the future', 'changed', 'unknown inputs'],
  ],
];

describe.each(GOOD)('%s', (_, demands, good) => {
  const combinations = KINDS.flatMap((cached) => KINDS.map((stored) => [cached, stored] as const));

  test.each(combinations)('%s in the cache, %s in Postgres', (cached, stored) => {
    const expected: RowAction = good.includes(cached) ? 'keep' : good.includes(stored) ? 'restore' : 'compute';
    expect(planRow(COPIES[cached], COPIES[stored], demands)).toBe(expected);
  });
});

const copy = fc.record({
  whole: fc.boolean(),
  computedAtMs: fc.integer({ min: 0, max: 2 * NOW }),
  inputs: fc.option(fc.constantFrom(inputs, other), { nil: undefined }),
});
const demands = fc.record({
  inputs: fc.option(fc.constantFrom(inputs, other), { nil: undefined }),
  maxAgeMs: fc.option(fc.integer({ min: 0, max: NOW }), { nil: undefined }),
  nowMs: fc.constant(NOW),
});

test('what is served on is whole, of the inputs of now and not too old; what is computed had no such copy', () => {
  fc.assert(
    fc.property(fc.option(copy, { nil: undefined }), fc.option(copy, { nil: undefined }), demands, (a, b, asked) => {
      const action = planRow(a, b, asked);
      const served = action === 'keep' ? a : b;
      if (action === 'compute') expect([isGood(a, asked), isGood(b, asked)]).toEqual([false, false]);
      else {
        expect(served?.whole).toBe(true);
        if (asked.inputs !== undefined) expect(served?.inputs?.equals(asked.inputs)).toBe(true);
        if (asked.maxAgeMs !== undefined) {
          expect(Math.abs(NOW - (served?.computedAtMs ?? 0))).toBeLessThanOrEqual(asked.maxAgeMs);
        }
      }
    }),
  );
});
