import { judge } from '#shared/backup/restore-rows';
import { compareRows, relativeChange } from '#shared/cache/compare-rows';

const row = (...values: number[]) => Float32Array.from(values);

test('the largest relative change, and where it is', () => {
  expect(compareRows('a', row(1, 2, 100), row(1, 3, 101))).toMatchObject({
    ...{ changed: 2, position: 1, from: 2, to: 3, largest: 1 / 3 },
  });
  expect(compareRows('a', row(1, Number.NaN), row(1, Number.NaN))).toMatchObject({ changed: 0, largest: 0 });
});

test.each([
  [0, 0, 0],
  [0, 5, 1],
  [5, 0, 1],
  [1, -1, 2],
  [-0, 0, 0],
  [Number.NaN, Number.NaN, 0],
  [Number.NaN, 1, Number.POSITIVE_INFINITY],
  [1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('from %p to %p is %p', (from, to, change) => expect(relativeChange(from, to)).toBe(change));

test('a row is written where there is none, a bad one, or an older one', () => {
  const mine = { category: 'a', bytes: Buffer.from('mine'), computedAtMs: 10, inputs: undefined };
  const there = (computedAtMs: number, whole = true) => ({
    bytes: Buffer.from('x'),
    whole,
    computedAtMs,
    inputs: undefined,
  });
  expect(judge(mine, undefined, false)).toBe('absent');
  expect(judge(mine, there(99, false), false)).toBe('corrupt');
  expect(judge(mine, there(9), false)).toBe('older');
  expect(judge(mine, there(10), false)).toBe('kept');
  expect(judge(mine, there(11), false)).toBe('kept');
  expect(judge(mine, there(11), true)).toBe('overwritten');
  expect(judge(mine, { ...there(11), bytes: mine.bytes }, true)).toBe('kept');
});
