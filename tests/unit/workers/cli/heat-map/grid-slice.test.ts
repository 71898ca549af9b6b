import fc from 'fast-check';
import { type Axis, cellCount, cellIndex } from '#shared/cache/grid';
import { type SliceRequest, sliceOf } from '#workers/cli/heat-map/grid-slice';

const DAY: Axis = { name: 'day', values: [0, 1, 2] };
const HOUR: Axis = { name: 'hour', values: [0, 6, 12, 18] };
const ZONE: Axis = { name: 'zone', values: ['north', 'south'] };

/** Each cell holds its own number, and a thousand for each output before it. */
function gridOf(axes: readonly Axis[], outputs: readonly string[] = ['y']) {
  const cells = cellCount(axes);
  const values = Float32Array.from({ length: cells * outputs.length }, (_, i) => {
    return Math.floor(i / outputs.length) + 1_000 * (i % outputs.length);
  });
  return { axes, outputs, values };
}

const slice = (axes: readonly Axis[], request: Partial<SliceRequest> = {}) =>
  sliceOf(gridOf(axes), { coordinates: {}, ...request });
const names = ({ down, across, fixed }: ReturnType<typeof sliceOf>) => ({
  down: down?.name,
  across: across.name,
  fixed: fixed.map(({ axis, value, chosen }) => `${axis.name}=${value}${chosen ? '' : ' by default'}`),
});

test.each<[string, readonly Axis[], Partial<SliceRequest>, ReturnType<typeof names>]>([
  ['two axes', [DAY, HOUR], {}, { down: 'day', across: 'hour', fixed: [] }],
  ['the first two of three', [DAY, HOUR, ZONE], {}, { down: 'day', across: 'hour', fixed: ['zone=north by default'] }],
  [
    'the two that have no value',
    [DAY, HOUR, ZONE],
    { coordinates: { hour: '6' } },
    { down: 'day', across: 'zone', fixed: ['hour=6'] },
  ],
  [
    'the one that has no value',
    [DAY, HOUR],
    { coordinates: { day: 2 } },
    { down: undefined, across: 'hour', fixed: ['day=2'] },
  ],
  ['the only one', [DAY], {}, { down: undefined, across: 'day', fixed: [] }],
  [
    'two that are asked for, the other way round',
    [DAY, HOUR],
    { axes: ['hour', 'day'] },
    { down: 'hour', across: 'day', fixed: [] },
  ],
  [
    'one that is asked for',
    [DAY, HOUR, ZONE],
    { axes: ['zone'], coordinates: { day: '1' } },
    { down: undefined, across: 'zone', fixed: ['day=1', 'hour=0 by default'] },
  ],
])('shown are %s', (_name, axes, request, expected) => {
  expect(names(slice(axes, request))).toEqual(expected);
});

test('the values are those of the cells', () => {
  expect(slice([DAY, HOUR]).values).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9, 10, 11],
  ]);
  expect(slice([DAY, HOUR], { axes: ['hour', 'day'] }).values[1]).toEqual([1, 5, 9]);
  expect(slice([DAY, HOUR], { coordinates: { hour: 18 } }).values).toEqual([[3, 7, 11]]);
});

test('the output is the first, or the one that is asked for', () => {
  const grid = gridOf([DAY], ['p50', 'p90']);
  expect(sliceOf(grid, { coordinates: {} })).toMatchObject({ output: 'p50', values: [[0, 1, 2]] });
  expect(sliceOf(grid, { output: 'p90', coordinates: {} })).toMatchObject({
    output: 'p90',
    values: [[1_000, 1_001, 1_002]],
  });
});

test('each cell of any slice is the one that a prediction would find', () => {
  const axis = (name: string) =>
    fc.integer({ min: 1, max: 5 }).map((count) => ({ name, values: Array.from({ length: count }, (_, i) => i * 10) }));
  const axes = fc
    .integer({ min: 1, max: 4 })
    .chain((count) => fc.tuple(...['a', 'b', 'c', 'd'].slice(0, count).map(axis)));
  fc.assert(
    fc.property(axes, fc.infiniteStream(fc.nat(100)), (grid, choice) => {
      const next = (below: number) => Number(choice.next().value) % below;
      const order = grid.map(({ name }) => name).sort(() => next(2) - 0.5);
      const shown = order.slice(0, 1 + next(Math.min(2, order.length)));
      const coordinates = Object.fromEntries(
        grid
          .filter(({ name }) => !shown.includes(name))
          .map(({ name, values }) => [name, values[next(values.length)] ?? 0]),
      );
      const found = sliceOf(gridOf(grid), { axes: shown, coordinates });
      (found.down?.values ?? [0]).forEach((y, row) => {
        found.across.values.forEach((x, column) => {
          const at = { ...coordinates, [found.across.name]: x, ...(found.down && { [found.down.name]: y }) };
          expect(found.values[row]?.[column]).toBe(cellIndex(grid, at));
        });
      });
    }),
  );
});

test.each<[string, Partial<SliceRequest>, string, RegExp]>([
  ['an unknown output', { output: 'z' }, 'FW_USAGE', /no output z; the outputs are y$/],
  ['an unknown axis', { axes: ['day', 'dya'] }, 'FW_USAGE', /no axis is named "dya"; the axes are day, hour$/],
  ['three axes', { axes: ['day', 'hour', 'zone'] }, 'FW_USAGE', /one axis, or two different ones$/],
  ['an axis twice', { axes: ['day', 'day'] }, 'FW_USAGE', /one axis, or two different ones$/],
  ['no axis', { axes: [''] }, 'FW_USAGE', /no axis is named ""/],
  ['a value for an axis that is shown', { axes: ['day'], coordinates: { day: 1 } }, 'FW_USAGE', /day is shown whole/],
  ['a value for every axis', { coordinates: { day: 1, hour: 6 } }, 'FW_USAGE', /every axis has one value/],
  ['a value for an axis that there is not', { coordinates: { dya: 1 } }, 'FW_CELL_UNKNOWN', /no axis is named dya/],
  ['a value that is not on its axis', { coordinates: { hour: 5 } }, 'FW_CELL_UNKNOWN', /it has 0, 6, 12, 18$/],
])('%s is refused', (_name, request, code, message) => {
  expect(() => slice([DAY, HOUR], request)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});
