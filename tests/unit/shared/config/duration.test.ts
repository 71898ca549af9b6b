import fc from 'fast-check';
import { formatDuration, parseDuration } from '#shared/config/duration';

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['0s', 0],
    ['20s', 20_000],
    ['1.5s', 1500],
    ['0.1s', 100],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('%s is %d ms', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each([
    '',
    '20',
    's',
    '-5s',
    '+5s',
    '5 s',
    '5S',
    '1h30m',
    '0.5ms',
    '1e3s',
    ' 5s',
    '5s\n',
    '.5s',
    '99999999999999d',
  ])('%j is no duration', (text) => expect(parseDuration(text)).toBeUndefined());
});

test('formatting then parsing gives the same milliseconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 14 }), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)),
  );
});

test('whole amounts of a unit are written in that unit or a larger one', () => {
  expect([0, 1, 1500, 90_000, 120_000, 3_600_000, 172_800_000].map(formatDuration)).toEqual([
    '0s',
    '1ms',
    '1500ms',
    '90s',
    '2m',
    '1h',
    '2d',
  ]);
});
