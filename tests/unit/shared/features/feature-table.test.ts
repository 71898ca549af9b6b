import { tableFromText, tableToText, toTable } from '#shared/features/feature-table';
import { withoutEnd } from '#shared/features/query-table';
import { readSource } from '#shared/features/read-source';

const whereIs = (record: number) => `row ${record + 1}`;
const columns = { category: 'category', features: ['x', 'y'], time: undefined };
const table = (records: readonly (readonly unknown[])[], names = ['category', 'x', 'y'], time?: string) =>
  toTable({ columns: names, records, whereIs }, { ...columns, time });

test('values are as the source has them; what is empty, NaN or infinite is missing', () => {
  const records = [
    ['a', 1.5, 'text'],
    ['b', null, ''],
    ['c', Number.NaN, 'nan'],
    ['d', '-Infinity', Number.NEGATIVE_INFINITY],
    ['e', true, new Date('2026-11-26T00:00:00Z')],
    [7, '0', 12345678901234567890n],
  ];
  expect(table(records)).toEqual({
    table: {
      names: ['x', 'y'],
      newestMs: null,
      rows: new Map([
        ['a', [1.5, 'text']],
        ['b', [null, null]],
        ['c', [null, null]],
        ['d', [null, null]],
        ['e', [true, '2026-11-26T00:00:00.000Z']],
        ['7', ['0', '12345678901234567890']],
      ]),
    },
  });
});

test.each([
  ['a column less', ['category', 'x'], [['a', 1]], 'it has no column `y`; did you mean `x`?'],
  [
    'a column that is misspelt',
    ['Category', 'x', 'y'],
    [['a', 1, 2]],
    'it has no column `category`; did you mean `Category`?',
  ],
  ['two columns of one name', ['category', 'x', 'x', 'y'], [['a', 1, 1, 2]], 'it has several columns `x`'],
  ['no rows', undefined, [], 'it has no rows'],
  [
    'a category twice',
    undefined,
    [
      ['a', 1, 2],
      ['a', 1, 2],
    ],
    'row 2: "a" is there twice; the first is row 1',
  ],
  [
    'no category',
    undefined,
    [
      ['a', 1, 2],
      [null, 1, 2],
    ],
    'row 2: expected a category; it is null',
  ],
  ['a list', undefined, [['a', [1], 2]], 'row 1: x: expected a number, text, true, false or nothing; it is [1]'],
] as const)('%s is refused', (_, names, records, problem) => {
  expect(table(records, names as string[] | undefined)).toEqual({ problem });
});

test.each([
  ['2026-11-26T10:00:00+02:00', '2026-11-26T08:00:00.000Z'],
  ['2026-11-26 10:00:00', '2026-11-26T10:00:00.000Z'],
  ['2026-11-26 10:00:00.5+01', '2026-11-26T09:00:00.500Z'],
  ['2026-11-26', '2026-11-26T00:00:00.000Z'],
  [1_764_151_200, '2025-11-26T10:00:00.000Z'],
  ['1764151200', '2025-11-26T10:00:00.000Z'],
  ['1764151200.250', '2025-11-26T10:00:00.250Z'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
])('the time %p is %s', (time, iso) => {
  const read = table(
    [
      ['a', 1, 2, time],
      ['b', 1, 2, null],
    ],
    ['category', 'x', 'y', 'at'],
    'at',
  );
  expect('table' in read && new Date(read.table.newestMs ?? 0).toISOString()).toBe(iso);
});

test.each([1_764_151_200_000, '1764151200000', -1, 1e300])(
  'milliseconds are no time, and what no year has is none: %p',
  (time) => {
    const read = table([['a', 1, 2, time]], ['category', 'x', 'y', 'at'], 'at');
    expect(read).toEqual({ problem: expect.stringContaining('row 1: at: expected a time') });
  },
);

test('a time that is none is refused', () => {
  expect(table([['a', 1, 2, 'yesterday']], ['category', 'x', 'y', 'at'], 'at')).toEqual({
    problem: 'row 1: at: expected a time; it is "yesterday"',
  });
});

test('a table is the same after it was kept as text, and is of no use for other features', () => {
  const read = table([
    ['a', -0.1, 'ü'],
    ['b', null, true],
  ]);
  if (!('table' in read)) throw new Error(read.problem);
  const text = tableToText(read.table);
  expect(tableFromText(text, ['x', 'y'])).toEqual(read.table);
  expect([tableFromText(text, ['x']), tableFromText('{', ['x', 'y'])]).toEqual([undefined, undefined]);
});

test('a query ends without its semicolon', () => {
  expect(withoutEnd(' select 1 ;;\n')).toBe('select 1');
});

test('rows of the configuration lack what only others have; without a database a query says so', async () => {
  const settings = {
    ...{ source: 'rows', url: undefined, timeLimitMs: 1, column: 'category', time: undefined },
    ...{ missing: 'reject' as const, defaults: {} },
  };
  const rows = [
    { category: 'a', x: 1 },
    { category: 'b', y: 'two' },
  ];
  expect(await readSource({ ...settings, from: { rows } }, ['x', 'y'], undefined)).toMatchObject({
    table: {
      rows: new Map([
        ['a', [1, null]],
        ['b', [null, 'two']],
      ]),
    },
  });
  expect(await readSource({ ...settings, from: { query: 'select 1' } }, ['x'], undefined)).toEqual({
    problem: 'rows: there is no PostgreSQL to ask: set postgres.url, or `url` beside the query',
  });
});
