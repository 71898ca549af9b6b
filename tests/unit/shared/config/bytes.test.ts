import fc from 'fast-check';
import { approximateBytes, formatBytes, parseBytes } from '#shared/config/bytes';

describe('parseBytes', () => {
  test.each([
    ['0B', 0],
    ['512B', 512],
    ['64KiB', 65_536],
    ['1.5MiB', 1_572_864],
    ['2GiB', 2_147_483_648],
    ['1TiB', 1_099_511_627_776],
  ])('%s is %d bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each(['', '512', '512MB', '512 MiB', '-1B', '0.5B', '2gib', '1e3B', '9007199254740993B', '9999999TiB'])(
    '%j is no size',
    (text) => expect(parseBytes(text)).toBeUndefined(),
  );
});

test('formatting then parsing gives the same bytes', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => expect(parseBytes(formatBytes(bytes))).toBe(bytes)));
});

test('for people, sizes are rounded', () => {
  expect([0, 704, 1_234_567, 5_368_709_120, 160_000_000].map(approximateBytes)).toEqual([
    '0 B',
    '704 B',
    '1.2 MiB',
    '5 GiB',
    '153 MiB',
  ]);
});
