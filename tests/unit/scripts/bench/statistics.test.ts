import fc from 'fast-check';
import { exponent, median, quantile, rounded } from '../../../../scripts/src/bench/statistics';

test.each([
  [[3], 3],
  [[1, 3], 2],
  [[9, 1, 5], 5],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('quantiles are between the values, and the ends are the ends', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      expect(quantile(values, 0)).toBe(Math.min(...values));
      expect(quantile(values, 1)).toBe(Math.max(...values));
      expect(quantile(values, 0.7)).toBeGreaterThanOrEqual(quantile(values, 0.3));
    }),
  );
  expect(() => median([])).toThrow(RangeError);
});

test.each([0.5, 1, 2.25])('points of a power law of %d have that exponent', (power) => {
  const points = [10, 100, 5_000].map((x) => [x, 3 * x ** power] as const);
  expect(exponent(points)).toBeCloseTo(power, 10);
});

test('an exponent needs two positive points', () => {
  expect(() => exponent([[1, 1]])).toThrow(RangeError);
  expect(() =>
    exponent([
      [1, 1],
      [2, 0],
    ]),
  ).toThrow(RangeError);
});

test('figures are rounded to four digits', () => {
  expect([rounded(0.123456), rounded(123456), rounded(0)]).toEqual([0.1235, 123500, 0]);
});
