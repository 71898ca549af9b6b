import { stripVTControlCharacters as strip } from 'node:util';
import fc from 'fast-check';
import pc from 'picocolors';
import type { Axis } from '#shared/cache/grid';
import { drawMap } from '#workers/cli/heat-map/draw-map';
import type { GridSlice } from '#workers/cli/heat-map/grid-slice';
import { layOut } from '#workers/cli/heat-map/map-layout';
import { widthOf } from '#workers/cli/terminal-text';

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const DAY: Axis = { name: 'day', values: numbers(3) };
const HOUR: Axis = { name: 'hour', values: numbers(24) };

function sliceOver(down: Axis | undefined, across: Axis, value: (row: number, column: number) => number): GridSlice {
  const values = (down?.values ?? [0]).map((_, row) => across.values.map((_, column) => value(row, column)));
  return { output: 'y', down, across, fixed: [], values };
}

function draw(slice: GridSlice, columns: number, depth?: 24 | 8): string[] {
  const layout = layOut(slice, columns, depth !== undefined);
  return drawMap(slice, layout, { colours: pc.createColors(depth !== undefined), depth });
}

const small = sliceOver(DAY, { name: 'hour', values: [0, 6, 12] }, (row, column) => row + column / 4);

test('without colours it is a table of numbers with its title and its scale', () => {
  expect(draw(small, Number.POSITIVE_INFINITY)).toEqual([
    'y by day and hour',
    '',
    '      hour',
    '  day      0      6     12',
    '    0  0.000  0.250  0.500',
    '    1  1.000  1.250  1.500',
    '    2  2.000  2.250  2.500',
    '',
    '  lowest 0 at day=0 hour=0, highest 2.5 at day=2 hour=12',
  ]);
});

test('with colours each cell has one, and the scale is shown with five numbers', () => {
  const lines = draw(small, 80, 24);
  expect(strip(lines[4] ?? '')).toBe('    0  0.000  0.250  0.500 ');
  expect(lines[4]?.match(/48;2;/g)).toHaveLength(3);
  expect(lines[4]).toContain('48;2;68;1;84m 0.000 ');
  expect(lines[6]).toContain('48;2;253;231;37m 2.500 ');
  const scale = strip(lines[8] ?? '');
  expect(scale).toMatch(/^ {3}0 +0\.625 +1\.25 +1\.875 +2\.5 $/);
  expect(scale).toHaveLength(52);
  expect(draw(small, 80, 8)[4]).toContain('48;5;53m 0.000 ');
});

test('a single line has no labels beside it', () => {
  expect(
    draw(
      sliceOver(undefined, DAY, (_, column) => column * 10),
      80,
    ),
  ).toEqual([
    'y by day',
    '',
    '  day',
    '    0   1   2',
    '    0  10  20',
    '',
    '  lowest 0 at day=0, highest 20 at day=2',
  ]);
});

const ramp = sliceOver(DAY, HOUR, (row, column) => 0.4 + row / 10 + column / 25);
const steps = (lines: readonly string[]) => lines.map(strip);

test.each([
  [200, 'y by day and hour', '0.400', 6],
  [130, 'y by day and hour', '0.40', 5],
  [105, 'y by day and hour', '0.4', 4],
  [80, 'y by day and hour, in units of 0.1', '4', 3],
])('24 columns in %d have numbers of fewer and fewer digits', (columns, title, first, cell) => {
  const lines = steps(draw(ramp, columns, 24));
  expect(lines[0]).toBe(title);
  expect(lines[4]?.slice(6).trimStart().split(' ')[0]).toBe(first);
  expect(lines[4]?.length).toBeGreaterThanOrEqual(6 + 24 * cell);
});

test('where there is no room for numbers, cells show only their colour, and labels are thinned', () => {
  const lines = steps(draw(ramp, 60, 24));
  expect(lines[0]).toBe('y by day and hour');
  expect(lines[3]).toBe('  day 0   2   4   6   8   10  12  14  16  18  20  22');
  expect(lines[4]).toBe(`    0 ${' '.repeat(48)}`);
});

test('where there is no room for colours either, the map goes on below', () => {
  const week = sliceOver(DAY, { name: 'hour', values: numbers(168) }, (row, column) => row + column);
  const lines = steps(draw(week, 80, 24));
  const heads = lines.filter((line) => line.startsWith('  day '));
  expect(heads.map((line) => line.slice(6, 14))).toEqual(['0   4   ', '74  78  ', '148 152 ']);
  expect(lines.filter((line) => line.startsWith('    0 ')).map((line) => line.length - 6)).toEqual([74, 74, 20]);
});

test('without colours the map goes on below as soon as two digits have no room', () => {
  const lines = draw(ramp, 60);
  expect(lines.filter((line) => line.startsWith('  day '))).toHaveLength(3);
  expect(lines.join('\n')).toMatch(/^ {2}day +0 +1 .*\n {4}0 +0\.400 /m);
});

test('labels of text are whole, or cut where enough of them is left, or thinned', () => {
  const week = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const slice = sliceOver(
    { name: 'city', values: ['東京', 'Łódź'] },
    { name: 'weekday', values: week },
    (r, c) => r + c,
  );
  const head = (columns: number) => draw(slice, columns)[3]?.slice(7);
  expect(head(100)).toBe('    monday    tuesday  wednesday   thursday     friday   saturday     sunday');
  expect(head(60)).toBe(' monday tuesd… wedne… thurs… friday satur… sunday');
  expect(head(40)).toBe('monday      thursday');
  expect(draw(slice, 60).slice(4, 6)).toEqual([
    '  東京       0      1      2      3      4      5      6',
    '  Łódź       1      2      3      4      5      6      7',
  ]);
});

test('names that a terminal would obey are shown, not obeyed', () => {
  const slice = sliceOver({ name: 'x', values: ['a\u001b[2J', 'b\n'] }, DAY, (row, column) => row + column);
  expect(draw(slice, 80).join('')).not.toMatch(/\p{Cc}/u);
});

test('cells that are all the same have the middle of the scale, and no number that is finite has none', () => {
  const same = draw(
    sliceOver(undefined, DAY, () => 3.25),
    80,
    24,
  );
  expect(same[4]).toContain('48;2;35;144;140m');
  expect(strip(same.at(-1) ?? '')).toBe('  all cells are 3.25');
  const none = draw(
    sliceOver(undefined, DAY, () => Number.NaN),
    80,
    24,
  );
  expect(none.slice(4).map(strip)).toEqual(['   ?  ?  ?', '', '  no number is finite']);
});

const label = fc.oneof(
  fc.integer({ min: -5, max: 5_000 }),
  fc.constantFrom('東京', 'a long name of a place', 'x', '👍'),
);
const anAxis = (name: string, most: number) =>
  fc.array(label, { minLength: 1, maxLength: most }).map((values) => ({ name, values }));
const aValue = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -999, max: 999 }),
  fc.constant(Number.NaN),
);

test('whatever is drawn, no line is longer than the terminal, and each cell is there once', () => {
  fc.assert(
    fc.property(
      fc.option(anAxis('down', 6), { nil: undefined }),
      anAxis('across', 120),
      fc.infiniteStream(aValue),
      fc.integer({ min: 20, max: 200 }),
      fc.constantFrom(undefined, 24 as const, 8 as const),
      (down, across, values, columns, depth) => {
        const slice = sliceOver(down, across, () => values.next().value);
        const layout = layOut(slice, columns, depth !== undefined);
        const lines = drawMap(slice, layout, { colours: pc.createColors(depth !== undefined), depth });
        const map = lines.slice(2, 2 + layout.bands.length * (3 + slice.values.length));
        for (const line of map) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        expect(layout.bands.flatMap(([from, to]) => numbers(to - from, from))).toEqual(numbers(across.values.length));
        // A cell that has no finite value has no colour.
        if (depth === undefined || layout.scale === undefined) return;
        const finite = slice.values.flat().filter(Number.isFinite).length;
        expect(map.join('').match(/;48;[25];/g) ?? []).toHaveLength(finite);
      },
    ),
  );
});
