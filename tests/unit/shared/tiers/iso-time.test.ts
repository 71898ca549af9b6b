import fc from 'fast-check';
import { isoTime } from '#shared/tiers/iso-time';

const LAST_MS = 8_640_000_000_000_000;

const expectSame = (ms: number) => expect(isoTime(ms)).toBe(new Date(ms).toISOString());

test('a time reads as a date says it, one after the other, near and far, before 1970 too', () => {
  const near = fc.integer({ min: 1_764_000_000_000, max: 1_764_000_200_000 });
  const far = fc.integer({ min: -LAST_MS, max: LAST_MS });
  fc.assert(
    fc.property(fc.array(fc.oneof(near, far), { minLength: 1, maxLength: 20 }), (times) => {
      for (const ms of times) expectSame(ms);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ...[0, 1, 999, 1_000, 59_999, 60_000, -1, -1_000, -60_000, -60_001],
  ...[Date.UTC(0, 0), Date.UTC(9_999, 11, 31, 23, 59, 59, 999), Date.UTC(10_000, 0), LAST_MS, -LAST_MS],
])('%d reads as a date says it', (ms) => {
  expectSame(ms);
  expectSame(ms);
});

test('what a row says that no date can is the last moment: it throws at nothing that may be stored', () => {
  for (const ms of [LAST_MS + 1, Number.MAX_SAFE_INTEGER, 2 ** 64]) {
    expect(isoTime(ms)).toBe('+275760-09-13T00:00:00.000Z');
  }
});
