import fc from 'fast-check';
import { shortDecimal } from '#shared/backup/short-decimal';

const single = fc
  .integer({ min: 0, max: 0xffffffff })
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0] ?? 0);
const finite = single.filter((value) => Number.isFinite(value) && value !== 0);

test('every float32 comes back from its decimal, bit for bit', () => {
  fc.assert(
    fc.property(finite, (value) => {
      const parsed = JSON.parse(JSON.stringify(shortDecimal(value))) as number;
      expect(Math.fround(parsed)).toBe(value);
    }),
    { numRuns: 20_000 },
  );
});

test('no decimal with fewer digits is the same float32', () => {
  fc.assert(
    fc.property(finite, (value) => {
      const [digits = ''] = shortDecimal(value)
        .toExponential()
        .slice(value < 0 ? 1 : 0)
        .split('e');
      const count = digits.replace('.', '').length;
      if (count > 1) expect(Math.fround(Number(value.toPrecision(count - 1)))).not.toBe(value);
      expect(count).toBeLessThanOrEqual(9);
    }),
    { numRuns: 20_000 },
  );
});

test.each([
  [Math.fround(0.1), '0.1'],
  [Math.fround(1 / 3), '0.33333334'],
  [16_777_216, '16777216'],
  [-2, '-2'],
  [2 ** -149, '1e-45'],
  [(2 - 2 ** -23) * 2 ** 127, '3.4028235e+38'],
])('%p is %s', (value, text) => expect(JSON.stringify(shortDecimal(value))).toBe(text));
