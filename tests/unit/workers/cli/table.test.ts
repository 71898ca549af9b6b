import { stripVTControlCharacters as strip } from 'node:util';
import fc from 'fast-check';
import pc from 'picocolors';
import { type Column, countColumn, tableLines } from '#workers/cli/table';
import { widthOf } from '#workers/cli/terminal-text';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly note: string | null;
}

const plain = { columns: Number.POSITIVE_INFINITY, colours: pc.createColors(false) };
const rows: Row[] = [
  { name: '東京', count: 7, note: null },
  { name: 'Łódź', count: 1_234, note: 'first line\nsecond line' },
];
const columns: Column<Row>[] = [
  { head: 'name', cell: ({ name }) => name },
  countColumn('count', ({ count }) => count),
  { head: 'long', cell: ({ name }) => name.repeat(5), spare: 1 },
  countColumn('twice', ({ count }) => 2 * count, 2),
];

test('names begin in one column, numbers end in one, and a note is one line below its row', () => {
  expect(tableLines(rows, columns.slice(0, 2), plain, ({ note }) => note)).toEqual([
    'name  count',
    '東京      7',
    'Łódź   1234',
    '  first line second line',
  ]);
});

test.each([
  [100, 'name  count  long                  twice'],
  [40, 'name  count  long                  twice'],
  [39, 'name  count  twice'],
  [18, 'name  count  twice'],
  [17, 'name  count'],
  [3, 'name  count'],
])('in %d columns the spare ones go first', (room, head) => {
  expect(tableLines(rows, columns, { ...plain, columns: room })[0]).toBe(head);
});

test('a column that can be cut is, before others are left out, and gets what room there is', () => {
  const cut: Column<Row>[] = [
    { head: 'name', cell: ({ name }) => name },
    { head: 'text', cell: () => pc.createColors(true).red('x'.repeat(20)), canBeCut: true },
    countColumn('count', ({ count }) => count, 1),
  ];
  const draw = (room: number) => tableLines(rows, cut, { ...plain, columns: room }).map(strip);
  expect(draw(33)).toEqual([
    'name  text                  count',
    `東京  ${'x'.repeat(20)}      7`,
    `Łódź  ${'x'.repeat(20)}   1234`,
  ]);
  expect(draw(29)[1]).toBe(`東京  ${'x'.repeat(15)}…      7`);
  expect(draw(28)[1]).toBe(`東京  ${'x'.repeat(20)}`);
  expect(draw(22)[1]).toBe(`東京  ${'x'.repeat(15)}…`);
});

test('a note is cut off where the terminal ends', () => {
  expect(tableLines(rows, columns, { ...plain, columns: 17 }, ({ note }) => note).at(-1)).toBe('  first line sec…');
});

test('colours take no room', () => {
  const { red } = pc.createColors(true);
  const lines = tableLines(rows, [{ head: 'name', cell: ({ name }) => red(name) }, countColumn('n', () => 1)], plain);
  expect(lines.map(widthOf)).toEqual([7, 7, 7]);
  expect(lines[1]).toContain('\u001b[31m東京\u001b[39m');
});

test('heads stay where there are no rows', () => {
  expect(tableLines([], columns, plain)).toEqual(['name  count  long  twice']);
});

test('no line is longer than the terminal, whatever the cells', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll(/\p{C}|\s/gu, 'x'));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), fc.integer({ min: 10, max: 80 }), (texts, room) => {
      const spare = [3, 1, 2].map((order) => ({ head: `c${order}`, cell: (value: string) => value, spare: order }));
      const lines = tableLines(texts, [countColumn('n', () => 1), ...spare], { ...plain, columns: room }, (one) => one);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(room);
    }),
  );
});
