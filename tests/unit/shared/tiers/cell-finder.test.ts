import fc from 'fast-check';
import { type Axis, type Coordinates, cellCount, cellIndex, coordinatesOf } from '#shared/cache/grid';
import { ForewarmError } from '#shared/errors';
import { CellFinder } from '#shared/tiers/cell-finder';

/** It is held to be the same as `cellIndex`, which is short and slow. */

type Found = number | { readonly code: string; readonly message: string };

function outcome(find: () => number): Found {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof ForewarmError)) throw error;
    return { code: error.code, message: error.message };
  }
}

function expectSame(axes: readonly Axis[], coordinates: Coordinates): Found {
  const found = outcome(() => new CellFinder(axes).find(coordinates));
  expect(found).toEqual(outcome(() => cellIndex(axes, coordinates)));
  return found;
}

const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 0.5, 1e21, 1e-7, Number.MAX_SAFE_INTEGER, 2 ** 60),
);
const text = fc.oneof(fc.constantFrom('0', '-0', '1', '01', '0.5', '', ' 1', 'NaN', '1e21', '1E21', 'é'), fc.string());
const value: fc.Arbitrary<number | string> = fc.oneof(number, text);
const name = fc.constantFrom('day', 'hour', 'x-1', 'constructor', 'toString', 'length', '');
/** Also axes that no configuration lets through: with values that read alike, and two of one name. */
const anyAxes: fc.Arbitrary<Axis[]> = fc.array(
  fc.record({ name, values: fc.array(value, { minLength: 1, maxLength: 5 }) }),
  { maxLength: 4 },
);

test('every cell is found at its coordinates, as values and as text', () => {
  fc.assert(
    fc.property(anyAxes, (axes) => {
      for (let cell = 0; cell < cellCount(axes); cell++) {
        const values = coordinatesOf(axes, cell);
        const named = (form: (value: number | string) => number | string) =>
          Object.fromEntries(axes.map((axis, i) => [axis.name, form(values[i] ?? '')]));
        expectSame(
          axes,
          named((one) => one),
        );
        expectSame(axes, named(String));
      }
    }),
    { numRuns: 300 },
  );
});

test('any coordinates give the same cell, or the same error', () => {
  const coordinates = fc.dictionary(name, fc.oneof(value, fc.constant(Number.NaN)), { maxKeys: 5 });
  fc.assert(
    fc.property(anyAxes, coordinates, (axes, given) => void expectSame(axes, given)),
    { numRuns: 3_000 },
  );
});

test('coordinates that a mistake has made are refused alike', () => {
  const axes = [
    { name: 'day', values: [0, 1, 2] },
    { name: 'toString', values: ['a', 'b'] },
  ];
  const mistakes: unknown[] = [
    ...[{}, { day: 0 }, { day: 0, toString: 'c' }, { day: null, toString: 'a' }, { day: undefined, toString: 'a' }],
    ...[{ day: true, toString: 'a' }, { day: [1], toString: 'a' }, { day: 0, toString: 'a', hour: 1 }, [0, 'a']],
  ];
  for (const coordinates of mistakes) {
    const found = outcome(() => new CellFinder(axes).find(coordinates as Coordinates));
    expect(found).toEqual(outcome(() => cellIndex(axes, coordinates as Coordinates)));
  }
  expect(new CellFinder(axes).find({ day: 2, toString: 'b' } as unknown as Coordinates)).toBe(5);
});
