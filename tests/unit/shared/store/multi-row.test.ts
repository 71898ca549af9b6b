import { valuesList } from '#shared/store/multi-row';

test('rows become one list whose parameters are numbered through', () => {
  expect(
    valuesList(
      [
        ['a', 1],
        ['b', 2],
        ['c', null],
      ],
      ['text', 'int'],
    ),
  ).toEqual({
    text: '($1::text, $2::int), ($3::text, $4::int), ($5::text, $6::int)',
    parameters: ['a', 1, 'b', 2, 'c', null],
  });
});

test('a value that is a list or bytes stays one parameter', () => {
  const bytes = Buffer.from('row');
  expect(valuesList([[bytes, ['x', 'y']]], ['bytea', 'text[]'])).toEqual({
    text: '($1::bytea, $2::text[])',
    parameters: [bytes, ['x', 'y']],
  });
});

test('values are never written into the text', () => {
  const { text, parameters } = valuesList([["'); DROP TABLE forewarm.row; --"]], ['text']);
  expect(text).toBe('($1::text)');
  expect(parameters).toEqual(["'); DROP TABLE forewarm.row; --"]);
});

test('no rows, no list', () => {
  expect(valuesList([], ['text'])).toEqual({ text: '', parameters: [] });
});
