import fc from 'fast-check';
import { type Axis, cellCount, cellIndex, coordinatesOf, strides } from '#shared/cache/grid';
import { ForewarmError } from '#shared/errors';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const day: Axis = { name: 'day', values: range(7) };
const hour: Axis = { name: 'hour', values: range(24) };
const region: Axis = { name: 'region', values: ['north', 'south', 'far east'] };

function refusal(axes: readonly Axis[], coordinates: Record<string, number | string>): ForewarmError {
  try {
    cellIndex(axes, coordinates);
  } catch (error) {
    if (error instanceof ForewarmError) return error;
    throw error;
  }
  throw new Error('the coordinates were accepted');
}

test.each([
  ['no axis', [], 1, []],
  ['one', [hour], 24, [1]],
  ['two', [day, hour], 168, [24, 1]],
  ['three', [day, hour, region], 504, [72, 3, 1]],
  ['a single value between two', [day, { name: 'one', values: [9] }, hour], 168, [24, 24, 1]],
])('cells and strides of %s', (_, axes: Axis[], cells, steps) => {
  expect(cellCount(axes)).toBe(cells);
  expect(strides(axes)).toEqual(steps);
});

test('the last axis varies fastest', () => {
  expect(cellIndex([day, hour], { day: 0, hour: 1 })).toBe(1);
  expect(cellIndex([day, hour], { hour: 0, day: 1 })).toBe(24);
  expect(cellIndex([day, hour], { day: 6, hour: 23 })).toBe(167);
  expect(range(25).map((cell) => coordinatesOf([day, hour], cell)[1])).toEqual([...range(24), 0]);
});

test('coordinates are the values of the axes, not their positions', () => {
  expect(coordinatesOf([region, { name: 'dose', values: [0, 0.25, 0.5] }], 5)).toEqual(['south', 0.5]);
  expect(cellIndex([region, { name: 'dose', values: [0, 0.25, 0.5] }], { region: 'south', dose: 0.5 })).toBe(5);
});

const anAxisOf = (name: string): fc.Arbitrary<Axis> => {
  const size = { minLength: 1, maxLength: 6 };
  const numbers = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  );
  return fc
    .oneof(
      fc.uniqueArray<number | string, string>(numbers, { ...size, selector: String }),
      fc.uniqueArray<number | string, string>(fc.string(), { ...size, selector: String }),
    )
    .map((values) => ({ name, values }));
};
const someAxes = fc
  .uniqueArray(fc.constantFrom('day', 'hour', 'region', 'dose', 'x-1'), { minLength: 1, maxLength: 4 })
  .chain((names) => fc.tuple(...names.map(anAxisOf)));

test('every cell has coordinates of its own, and they lead back to it, as values and as text', () => {
  fc.assert(
    fc.property(someAxes, (axes) => {
      const cells = cellCount(axes);
      for (let cell = 0; cell < cells; cell++) {
        const values = coordinatesOf(axes, cell);
        const coordinates = Object.fromEntries(axes.map((axis, i) => [axis.name, values[i] as number | string]));
        expect(cellIndex(axes, coordinates)).toBe(cell);
        const texts = Object.fromEntries(Object.entries(coordinates).map(([name, value]) => [name, String(value)]));
        expect(cellIndex(axes, texts)).toBe(cell);
      }
    }),
    { numRuns: 50 },
  );
});

test('a number is accepted where the axis has text that reads the same', () => {
  expect(cellIndex([{ name: 'year', values: ['2024', '2025'] }], { year: 2025 })).toBe(1);
});

test.each([
  ['an axis that is not given', { day: 1 }, 'axis hour is not given; the axes are day, hour'],
  ['an axis that is not there', { day: 1, hour: 2, minute: 3 }, 'no axis is named minute; the axes are day, hour'],
  ['several that are not there', { d: 1, h: 2 }, 'no axis is named d, h; the axes are day, hour'],
  ['a value that is not on a short axis', { day: 7, hour: 0 }, 'day=7 is not on the axis; it has 0, 1, 2, 3, 4, 5, 6'],
  [
    'a value that is not on a long axis',
    { day: 0, hour: 24 },
    'hour=24 is not on the axis; it has 24 values from 0 to 23',
  ],
  ['text that reads otherwise', { day: '03', hour: 0 }, 'day=03 is not on the axis; it has 0, 1, 2, 3, 4, 5, 6'],
  ['a fraction', { day: 1.5, hour: 0 }, 'day=1.5 is not on the axis; it has 0, 1, 2, 3, 4, 5, 6'],
  ['empty text', { day: '', hour: 0 }, 'day= is not on the axis; it has 0, 1, 2, 3, 4, 5, 6'],
  ['NaN', { day: Number.NaN, hour: 0 }, 'day=NaN is not on the axis; it has 0, 1, 2, 3, 4, 5, 6'],
])('%s is refused by name', (_, coordinates: Record<string, number | string>, message) => {
  const error = refusal([day, hour], coordinates);
  expect([error.code, error.message]).toEqual(['FW_CELL_UNKNOWN', message]);
});
