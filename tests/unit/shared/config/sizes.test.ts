import { cacheBytes, gridSize } from '#shared/config/sizes';

const axis = (name: string, length: number) => ({ name, values: Array.from({ length }, (_, i) => i) });

test('the sample with 10,000 categories', () => {
  const size = gridSize({ axes: [axis('day', 7), axis('hour', 24)], categories: 10_000, outputs: 1 });
  expect(size).toMatchObject({ rows: 10_000, cells: 168, predictions: 1_680_000, rowBytes: 704, gridBytes: 7_040_000 });
  // Measured: 5.0 bytes for each of 1.68 million predictions, so 8.4 MB.
  expect(size.redisBytes / 8_400_000).toBeGreaterThan(0.9);
  expect(size.redisBytes / 8_400_000).toBeLessThan(1.2);
});

test('several outputs and long names make it larger', () => {
  const shape = { axes: [axis('hour', 24)], categories: 10 };
  const one = gridSize({ ...shape, outputs: 1, categoryBytes: 100 });
  expect(gridSize({ ...shape, outputs: 3, categoryBytes: 100 }).gridBytes - one.gridBytes).toBe(10 * 2 * 4 * 24);
  expect(gridSize({ ...shape, outputs: 1, categoryBytes: 200 }).redisBytes - one.redisBytes).toBe(200);
});

test('a cache needs room for two generations of each model, and some to work with', () => {
  const grid = gridSize({ axes: [axis('hour', 24)], categories: 10_000, outputs: 1 });
  expect(cacheBytes([grid, grid]) - cacheBytes([])).toBe(4 * grid.redisBytes);
  expect(cacheBytes([])).toBe(16 * 1024 * 1024);
});
