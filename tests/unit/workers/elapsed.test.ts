import fc from 'fast-check';
import { formatElapsed, formatMoment, formatTook } from '#workers/elapsed';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

test.each([
  [0, '0s', '0s'],
  [-5_000, '0s', '0s'],
  [499, '0s', '0s'],
  [500, '1s', '1s'],
  [59_499, '59s', '59s'],
  [59_500, '1m', '1m'],
  [5 * MINUTE + 12 * SECOND, '5m 12s', '5m'],
  [HOUR, '1h', '1h'],
  [HOUR + 59 * SECOND, '1h', '1h'],
  [3 * HOUR + 5 * MINUTE + 40 * SECOND, '3h 5m', '3h'],
  [2 * DAY + 4 * HOUR, '2d 4h', '2d'],
  [400 * DAY, '400d', '400d'],
])('%d ms ago is %s, in short %s', (ms, long, short) => {
  expect([formatElapsed(ms), formatElapsed(ms, 1)]).toEqual([long, short]);
});

test.each([
  [0, '0.00 ms'],
  [0.0449, '0.04 ms'],
  [0.994, '0.99 ms'],
  [0.996, '1.00 ms'],
  [1, '1 ms'],
  [19.64, '19.6 ms'],
  [83, '83 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [1_240, '1.24 s'],
  [12_345, '12.3 s'],
  [59_949, '59.9 s'],
  [59_960, '1m'],
  [123_000, '2m 3s'],
])('%d ms took %s', (ms, text) => {
  expect(formatTook(ms)).toBe(text);
});

test('no time is longer than 8 columns, and its unit is never 60 of the next smaller', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100 * DAY, noNaN: true }), (ms) => {
      expect(formatElapsed(ms)).toMatch(/^(\d{1,3}d|\d{1,2}[hms])( \d{1,2}[hms])?$/);
      expect(formatElapsed(ms)).not.toMatch(/\b60[ms]|\b24h/);
      expect(formatTook(ms).length).toBeLessThanOrEqual(8);
    }),
  );
});

test('a moment is shown in UTC', () => {
  expect(formatMoment(new Date('2026-11-24T04:24:39.999Z'))).toBe('2026-11-24 04:24:39');
});
