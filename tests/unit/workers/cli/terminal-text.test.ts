import fc from 'fast-check';
import { columnsOf, oneLine, padEnd, padStart, printable, truncate, widthOf } from '#workers/cli/terminal-text';

test.each([
  ['plain', 5, 'plain'],
  ['plain', 4, 'pla…'],
  ['plain', 1, '…'],
  ['plain', 0, ''],
  ['東京都', 6, '東京都'],
  // A wide character is kept whole or not at all.
  ['東京都', 5, '東京…'],
  ['東京都', 4, '東…'],
  ['e\u0301te\u0301', 3, 'e\u0301te\u0301'],
  ['e\u0301te\u0301', 2, 'e\u0301…'],
  ['no end', Number.POSITIVE_INFINITY, 'no end'],
])('%j in %d columns is %j', (text, columns, expected) => {
  expect(truncate(text, columns)).toBe(expected);
});

test('what is cut off is never too long, and what fits stays', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(50), (raw, columns) => {
      const text = printable(raw);
      expect(widthOf(truncate(text, columns))).toBeLessThanOrEqual(columns);
      if (widthOf(text) <= columns) expect(truncate(text, columns)).toBe(text);
    }),
  );
});

test('padding counts columns, not characters', () => {
  expect([padStart('東京', 6), padEnd('東京', 6), padStart('abc', 2)]).toEqual(['  東京', '東京  ', 'abc']);
});

test.each([
  ['a\u001b[31mred', 'a\\u001b[31mred'],
  ['one\ntwo', 'one\\u000atwo'],
  ['turned \u202earound', 'turned \\u202earound'],
  ['c1 \u009b31m', 'c1 \\u009b31m'],
  ['Łódź, 東京, 👍', 'Łódź, 東京, 👍'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('nothing that a terminal obeys is left', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(oneLine(text)).not.toMatch(/\s\s|[\p{Cc}\u2028\u2029]/u);
    }),
  );
});

test.each([
  ['a terminal', { isTTY: true, columns: 132 }, 132],
  ['a terminal without a size', { isTTY: true, columns: 0 }, 80],
  ['a pipe', {}, Number.POSITIVE_INFINITY],
])('%s has its columns', (_name, stream, columns) => {
  expect(columnsOf(stream)).toBe(columns);
});
