import fc from 'fast-check';
import { legendNumber, legendUnit, numberFormats, writeNumber } from '#workers/cli/heat-map/cell-numbers';

/** How the formats write one number, the most telling first. */
const written = (value: number, min = 0, max = value, whole = false) =>
  numberFormats(min, max, whole).map((format) => `${writeNumber(value, format)} e${format.exponent}`);

test.each([
  [7.0308, ['7.031 e0', '7.03 e0', '7.0 e0', '70 e-1']],
  [0.0137228, ['0.01372 e0', '0.0137 e0', '0.014 e0', '137 e-4', '14 e-3']],
  [1_234.5, ['1235 e0', '123 e1', '12 e2']],
  [99.99, ['99.99 e0', '100 e0']],
  [3e-9, ['3000 e-12', '300 e-11', '30 e-10']],
  [2.5e12, ['2500 e9', '250 e10', '25 e11']],
])('%d is written %j', (value, expected) => {
  expect(written(value)).toEqual(expected);
});

test('whole numbers have no decimals', () => {
  expect(written(7, 0, 7, true)).toEqual(['7 e0']);
  expect(written(0, 0, 0, true)).toEqual(['0 e0']);
  expect(written(1_234, -5, 1_234, true)).toEqual(['1234 e0', '123 e1', '12 e2']);
});

test('a negative number needs room for its sign, and nothing is minus zero', () => {
  const [plain] = numberFormats(-7.5, 7.5, false);
  expect(plain).toEqual({ exponent: 0, decimals: 3, width: 6 });
  expect(writeNumber(-0.0001, { exponent: 0, decimals: 3 })).toBe('0.000');
  expect(writeNumber(-0.4, { exponent: 0, decimals: 0 })).toBe('0');
  expect(writeNumber(Number.NaN, { exponent: 0, decimals: 3 })).toBe('?');
});

test('each number between the two ends fits the width, and each format is shorter than the one before', () => {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      const value = min + share * (max - min);
      const formats = numberFormats(min, max, false);
      expect(formats.length).toBeGreaterThan(0);
      for (const format of formats) expect(writeNumber(value, format).length).toBeLessThanOrEqual(format.width);
      const widths = formats.map(({ width }) => width);
      expect(widths).toEqual([...new Set(widths)].sort((x, y) => y - x));
      // Two digits and a sign always find room.
      expect(widths.at(-1)).toBeLessThanOrEqual(4);
    }),
  );
});

test.each([
  [0.3818, 0, '0.3818'],
  [1.4530001, 0, '1.453'],
  [1_234_567, 0, '1234567'],
  [1_234_567.5, 0, '1235000'],
  [0.9375, 2_000_000, '1'],
  [0.123456, 1, '0.123'],
  [2.7e-8, 0, '2.7e-8'],
  [6.75e-9, 2.7e-8, '6.75e-9'],
])('%d in a legend of span %d is %s', (value, span, text) => {
  expect(legendNumber(value, span)).toBe(text);
});

test.each([
  [-1, '0.1'],
  [0, '1'],
  [3, '1000'],
  [-6, '0.000001'],
  [-11, '1e-11'],
  [9, '1e9'],
])('10 to the power %d is %s', (exponent, text) => {
  expect(legendUnit(exponent)).toBe(text);
});
