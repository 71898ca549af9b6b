import fc from 'fast-check';
import { parseCsv } from '#shared/config/csv';

test('quoted fields hold commas, quotes and line ends; lines are counted', () => {
  const text = 'name,n\r\n"a, b",1\r\n"c ""d""\r\ne",2\r\n\r\n"",3\r\nlast,';
  expect(parseCsv(text)).toEqual({
    faults: [],
    records: [
      { line: 1, fields: ['name', 'n'] },
      { line: 2, fields: ['a, b', '1'] },
      { line: 3, fields: ['c "d"\r\ne', '2'] },
      { line: 6, fields: ['', '3'] },
      { line: 7, fields: ['last', ''] },
    ],
  });
});

test.each([
  ['a\n"open\nline\n', [{ line: 2, expected: 'a closing quote' }]],
  ['a\nx"y\n', [{ line: 2, expected: 'quotes around the whole field, and doubled inside' }]],
  ['a\n"x"y\n', [{ line: 2, expected: 'a comma or the end of the line after the closing quote' }]],
])('%j is refused', (text, faults) => expect(parseCsv(text).faults).toEqual(faults));

test.each([
  ['', []],
  ['\n\r\n\r', []],
  ['""\n', [{ line: 1, fields: [''] }]],
  ['""""', [{ line: 1, fields: ['"'] }]],
])('%j', (text, records) => expect(parseCsv(text)).toEqual({ records, faults: [] }));

test('any table that is written with quotes is read back', () => {
  const tables = fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), { maxLength: 6 });
  const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(tables, fc.constantFrom('\n', '\r\n'), (table, lineEnd) => {
      const { records, faults } = parseCsv(table.map((fields) => fields.map(quote).join(',') + lineEnd).join(''));
      expect(faults).toEqual([]);
      expect(records.map(({ fields }) => fields)).toEqual(table);
    }),
  );
});
