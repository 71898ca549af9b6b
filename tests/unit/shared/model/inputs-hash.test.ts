import { inputsHasher } from '#shared/model/inputs-hash';
import type { FeatureRow, InputSource } from '#shared/model/spec';

const clock: Record<string, InputSource> = { month: { from: 'clock', field: 'month', timezone: 'UTC' } };
const featured: Record<string, InputSource> = { size: { from: 'feature', feature: 'size' } };
const january = Date.UTC(2026, 0, 1);
const hash = (inputs: Record<string, InputSource>, clockMs: number, row?: FeatureRow, category = 'a') =>
  inputsHasher(inputs, { clockMs, ...(row && { features: new Map([['a', row]]) }) })(category).toString('hex');

test('what reaches the model is in the hash: the category, the clock, features; and nothing else is', () => {
  expect(hash({}, 0)).toBe(hash({}, january));
  expect(hash(clock, january)).toBe(hash(clock, january + 1));
  const all = [
    hash({}, 0),
    hash({}, 0, undefined, 'b'),
    hash(clock, january),
    hash(clock, Date.UTC(2026, 1, 1)),
    hash(featured, 0, [1]),
    hash(featured, 0, ['1']),
    hash(featured, 0, [null]),
    hash({ ...clock, ...featured }, january, [1]),
  ];
  expect(new Set(all).size).toBe(all.length);
});
