import fc from 'fast-check';
import { batchSize, planBatches } from '#jobs/cycle/batches';

const MIB = 1024 * 1024;
const named = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

test.each([
  ['the sample', 110, 704, 64, 2],
  ['one category', 1, 704, 64, 1],
  ['as many as the smallest batch', 64, 704, 64, 1],
  ['one more than that', 65, 704, 64, 2],
  ['twenty of the smallest batches', 1_280, 704, 64, 20],
  ['one more than that', 1_281, 704, 65, 20],
  ['ten thousand', 10_000, 704, 500, 20],
  ['as many as twenty of the largest batches', 10_240, 704, 512, 20],
  ['more', 10_241, 704, 512, 21],
  ['a hundred thousand', 100_000, 704, 512, 196],
  ['rows of 1 MiB', 10_000, MIB, 64, 157],
  ['rows of 200 kB: as many as 64 MiB hold', 10_000, 200_000, 335, 30],
  ['rows of 40 MiB', 100, 40 * MIB, 1, 100],
  ['rows larger than a batch may be', 100, 100 * MIB, 1, 100],
])('%s: %i categories of %i bytes go in batches of %i, %i of them', (_, categories, rowBytes, size, batches) => {
  expect(batchSize(categories, rowBytes, 'auto')).toBe(size);
  expect(planBatches(named(categories), size)).toHaveLength(batches);
});

test.each([1, 7, 10_000])('a configured size of %i is taken as it is', (configured) => {
  expect(batchSize(110, 704, configured)).toBe(configured);
  expect(batchSize(10_000, 100 * MIB, configured)).toBe(configured);
});

test('an automatic size is within its bounds, whatever the grid', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.integer({ min: 36, max: 200 * MIB }),
      (categories, rowBytes) => {
        const size = batchSize(categories, rowBytes, 'auto');
        expect(size).toBeGreaterThanOrEqual(1);
        expect(size).toBeLessThanOrEqual(512);
        if (size > 1) expect(size * rowBytes).toBeLessThanOrEqual(64 * MIB);
        if (size < 64) expect((size + 1) * rowBytes).toBeGreaterThan(64 * MIB);
      },
    ),
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
