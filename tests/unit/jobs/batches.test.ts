import fc from 'fast-check';
import { batchSize, planBatches } from '#jobs/cycle/batches';

const MIB = 1024 * 1024;
const named = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

/** Milliseconds to a row: of a small perceptron, of some hundred trees, and of models that are slow. */
const QUICK = 0.04;
const TREES = 1;

test.each([
  ['the sample', 110, 704, TREES, 64, 2],
  ['one category', 1, 704, TREES, 64, 1],
  ['as many as the smallest batch', 64, 704, TREES, 64, 1],
  ['one more than that', 65, 704, TREES, 64, 2],
  ['twenty of the smallest batches', 1_280, 704, 2, 64, 20],
  ['one more than that', 1_281, 704, 2, 65, 20],
  ['a quicker model: until a batch takes 100 ms', 1_280, 704, TREES, 100, 13],
  ['a thousand: an eighth of the grid', 1_000, 704, 0.5, 125, 8],
  ['ten thousand', 10_000, 704, TREES, 512, 20],
  ['as many as twenty of the largest batches', 10_240, 704, TREES, 512, 20],
  ['more', 10_241, 704, TREES, 512, 21],
  ['a hundred thousand', 100_000, 704, TREES, 512, 196],
  ['ten thousand of a quick model', 10_000, 704, QUICK, 1_280, 8],
  ['a hundred thousand of a quick model: until a batch takes 100 ms', 100_000, 704, 0.08, 1_280, 79],
  ['a hundred thousand of one that costs nothing', 100_000, 704, 1e-6, 2_048, 49],
  ['a slow model: at most 2 s to a batch', 10_000, 704, 10, 200, 50],
  ['a slower one', 110, 704, 100, 20, 6],
  ['a row that takes longer than a batch should', 110, 704, 5_000, 1, 110],
  ['rows of 1 MiB', 10_000, MIB, TREES, 64, 157],
  ['rows of 200 kB: as many as 64 MiB hold', 10_000, 200_000, TREES, 335, 30],
  ['rows of 40 MiB', 100, 40 * MIB, TREES, 1, 100],
  ['rows larger than a batch may be', 100, 100 * MIB, TREES, 1, 100],
])(
  '%s: %i categories of %i bytes and %d ms go in batches of %i, %i of them',
  (_, categories, rowBytes, rowMs, size, batches) => {
    expect(batchSize({ categories, rowBytes, rowMs }, 'auto')).toBe(size);
    expect(planBatches(named(categories), size)).toHaveLength(batches);
  },
);

test.each([1, 7, 10_000])('a configured size of %i is taken as it is', (configured) => {
  expect(batchSize({ categories: 110, rowBytes: 704, rowMs: 1 }, configured)).toBe(configured);
  expect(batchSize({ categories: 10_000, rowBytes: 100 * MIB, rowMs: 9_000 }, configured)).toBe(configured);
});

test('an automatic size is within its bounds, whatever the grid and the model', () => {
  const grounds = fc.record({
    categories: fc.integer({ min: 0, max: 2_000_000 }),
    rowBytes: fc.integer({ min: 36, max: 200 * MIB }),
    rowMs: fc.double({ min: 1e-4, max: 60_000, noNaN: true }),
  });
  fc.assert(
    fc.property(grounds, (ground) => {
      const size = batchSize(ground, 'auto');
      expect(Number.isInteger(size)).toBe(true);
      expect(size).toBeGreaterThanOrEqual(1);
      expect(size).toBeLessThanOrEqual(2_048);
      if (size > 1) {
        expect(size * ground.rowBytes).toBeLessThanOrEqual(64 * MIB);
        expect(size * ground.rowMs).toBeLessThanOrEqual(2_000);
      }
      if (size > 512) expect((size - 256) * ground.rowMs).toBeLessThan(100);
      if (size < 64)
        expect(
          Math.max(((size + 1) * ground.rowBytes) / MIB / 64, ((size + 1) * ground.rowMs) / 2_000),
        ).toBeGreaterThan(1);
    }),
  );
});

test('every category is in one batch, in order, and only the last is smaller', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 70 }), (count, size) => {
      const batches = planBatches(named(count), size);
      expect(batches.flat()).toEqual(named(count));
      expect(batches.slice(0, -1).every((batch) => batch.length === size)).toBe(true);
      expect(batches.every((batch) => batch.length >= 1 && batch.length <= size)).toBe(true);
    }),
  );
});
