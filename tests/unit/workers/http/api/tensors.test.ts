import { datatypeOf, elementsOf, type InputTensor } from '#workers/http/api/inference/tensors';

const axes = [
  { name: 'day', values: [0, 1] },
  { name: 'share', values: [0.1, 0.2] },
  { name: 'kind', values: ['x', 'y'] },
];

const category: InputTensor = { name: 'category', shape: [2], datatype: 'BYTES', data: ['a', 'b'] };
const day: InputTensor = { name: 'day', shape: [2], datatype: 'INT64', data: [0, 1] };
const share: InputTensor = { name: 'share', shape: [2], datatype: 'FP32', data: [0.1, 0.2] };
const kind: InputTensor = { name: 'kind', shape: [2], datatype: 'BYTES', data: ['x', 'y'] };
const inputs = [category, day, share, kind];

const elements = [
  { category: 'a', coordinates: { day: 0, share: 0.1, kind: 'x' } },
  { category: 'b', coordinates: { day: 1, share: 0.2, kind: 'y' } },
];

const given = (changes: Partial<InputTensor>): InputTensor[] =>
  inputs.map((input) => (input.name === (changes.name ?? 'day') ? { ...input, ...changes } : input));

test('tensors by name are read one element after the other, whatever their order', () => {
  expect(elementsOf(inputs, axes, 10)).toEqual(elements);
  expect(elementsOf([...inputs].reverse(), axes, 10)).toEqual(elements);
});

test.each<[string, Partial<InputTensor>]>([
  ['a column', { shape: [2, 1], data: [0, 1] }],
  ['a column in its own dimensions', { shape: [2, 1], data: [[0], [1]] }],
  ['another width of integer', { datatype: 'UINT8' }],
  ['numbers of another kind', { datatype: 'FP64', data: [0, 1] }],
  ['floats that went through a float32', { name: 'share', data: [Math.fround(0.1), Math.fround(0.2)] }],
])('%s is taken', (_, changes) => expect(elementsOf(given(changes), axes, 10)).toEqual(elements));

test('numbers may be text, as in a query', () => {
  const [first] = elementsOf(given({ datatype: 'BYTES', data: ['0', '1'] }), axes, 10);
  expect(first?.coordinates.day).toBe('0');
});

test('a value that is on no axis is left to the reader to refuse', () => {
  const [first] = elementsOf(given({ name: 'share', data: [0.3, 0.2] }), axes, 10);
  expect(first?.coordinates.share).toBe(0.3);
});

const refused = (tensors: readonly InputTensor[], maxBatch = 10) => {
  try {
    elementsOf(tensors, axes, maxBatch);
  } catch (error) {
    return error;
  }
  throw new Error('it was taken');
};

test.each<[string, Partial<InputTensor>, RegExp]>([
  ['a matrix', { shape: [1, 2] }, /input day has the shape \[1, 2\]; expected \[n\] or \[n, 1\]/],
  ['no dimension', { shape: [] }, /the shape \[\]/],
  ['three dimensions', { shape: [2, 1, 1] }, /the shape \[2, 1, 1\]/],
  ['fewer values than its shape says', { data: [0] }, /input day has 1 values, and its shape says 2/],
  ['another length', { shape: [1], data: [0] }, /input day has 1 elements, and category has 2/],
  ['a datatype of another kind', { datatype: 'BOOL', data: [true, false] }, /datatype BOOL; expected INT64/],
  ['a float among integers', { data: [0, 0.5] }, /input day has at 1 a value that is no INT64/],
  ['text among numbers', { data: [0, '1'] }, /input day has at 1 a value that is no INT64/],
  ['lists that are too deep', { shape: [2, 1], data: [[[0]], [[1]]] }, /input day has at 0 a value/],
  ['a number for a category', { name: 'category', datatype: 'INT64', data: [1, 2] }, /datatype INT64; expected BYTES/],
])('%s is refused by name', (_, changes, message) => {
  expect(refused(given(changes))).toMatchObject({
    code: 'FW_HTTP_BAD_REQUEST',
    message: expect.stringMatching(message),
  });
});

test.each(['category', 'day', 'kind'])('without %s there is no answer', (name) => {
  const error = refused(inputs.filter((input) => input.name !== name));
  expect(error).toMatchObject({
    code: 'FW_HTTP_BAD_REQUEST',
    message: expect.stringMatching(`input ${name} is missing`),
  });
});

test('an input that is there twice, or of no such name, is refused', () => {
  expect(refused([...inputs, day])).toMatchObject({ message: 'input day is given twice' });
  expect(refused([...inputs, { ...day, name: 'hour' }])).toMatchObject({
    code: 'FW_CELL_UNKNOWN',
    message: 'there is no input hour; the inputs are category and the axes day, share, kind',
  });
});

test('more elements than one request may have', () => {
  expect(refused(inputs, 1)).toMatchObject({ code: 'FW_HTTP_TOO_LARGE' });
});

test('the datatype of an axis', () => {
  expect(axes.map(datatypeOf)).toEqual(['INT64', 'FP32', 'BYTES']);
});
