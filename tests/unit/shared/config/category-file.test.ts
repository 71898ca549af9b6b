import { parseCategoryFile } from '#shared/config/category-file';

const categoriesOf = (text: string, extension: string, column?: string) =>
  parseCategoryFile(text, extension, column).entries.map(({ category, at }) => `${category}${at}`);

test.each([
  ['category,n\na,1\n"b, c",2\n', '.csv', undefined, ['a:2', 'b, c:3']],
  ['n,name\n1,a\n\n2,b', '.csv', 'name', ['a:2', 'b:4']],
  ['a\r\n\r\n b \r\n', '.txt', undefined, ['a:1', ' b :3']],
  ['["a", "b"]', '.json', undefined, ['a (entry 1)', 'b (entry 2)']],
  ['[{"category": "a"}, {"category": "b"}]', '.json', undefined, ['a (entry 1)', 'b (entry 2)']],
  ['[{"name": "a"}]', '.json', 'name', ['a (entry 1)']],
])('%j as %s', (text, extension, column, expected) => {
  expect(categoriesOf(text, extension, column)).toEqual(expected);
  expect(parseCategoryFile(text, extension, column).faults).toEqual([]);
});

test.each([
  ['', '.csv', undefined, 'file', 'a header line with the column `category`'],
  ['category\n', '.csv', undefined, 'file', 'at least one category'],
  ['categry\na\n', '.csv', undefined, 'column', 'a file with a column `category`; did you mean `categry`?'],
  ['x,y\na,b\n', '.csv', 'name', 'column', 'a file with a column `name`; it has x, y'],
  ['category,n\na\n', '.csv', undefined, 'file', '2 fields as the header has; there are 1'],
  ['\n \n', '.txt', undefined, 'file', 'at least one category'],
  ['a\n', '.txt', 'name', 'column', 'no column: a .txt file has one category in each line'],
  ['[]', '.json', undefined, 'file', 'at least one category'],
  ['{}', '.json', undefined, 'file', 'a JSON array of strings or of objects'],
  ['["a"]', '.json', 'name', 'column', 'no column: the file is an array of strings'],
  ['[{"x": 1}]', '.json', undefined, 'column', 'a file with a column `category`; it has x'],
  ['[', '.json', undefined, 'file', expect.stringMatching(/^valid JSON: /)],
  ['a', '.xlsx', undefined, 'file', 'a file that ends in .csv, .json or .txt'],
])('%j as %s is refused', (text, extension, column, setting, expected) => {
  expect(parseCategoryFile(text, extension, column).faults).toMatchObject([{ setting, expected }]);
});
