import type { Tensor } from 'onnxruntime-node';
import { FeedBuilder, type MakeTensor } from '#shared/model/feeds';
import type { InputSource, TensorDescription } from '#shared/model/spec';

/** What the runtime would be given. */
interface Made {
  readonly type: string;
  readonly data: ArrayLike<bigint | number | string>;
  readonly dims: readonly number[];
}
const makeTensor: MakeTensor = (type, data, dims) => ({ type, data, dims }) as unknown as Tensor;

const axes = [
  { name: 'day', values: [0, 1] },
  { name: 'hour', values: [10, 11, 12] },
];
const inputs: TensorDescription[] = [
  { name: 'category', type: 'string', shape: ['N', 1] },
  { name: 'day', type: 'int64', shape: ['N'] },
  { name: 'hour', type: 'int32', shape: ['N', 1] },
  { name: 'load', type: 'float32', shape: ['N'] },
];
const sources: Record<string, InputSource> = {
  category: { from: 'category' },
  day: { from: 'axis', axis: 'day' },
  hour: { from: 'axis', axis: 'hour' },
  load: { from: 'constant', value: 0.5 },
};
const builder = (rowsPerCall: number, given = inputs, from = sources) =>
  new FeedBuilder({ name: 'calls', axes, inputs: from }, given, rowsPerCall, makeTensor);
const built = (feeds: FeedBuilder, categories: readonly string[]) =>
  feeds.build(categories, { clockMs: 0 })[0]?.tensors as unknown as Record<string, Made>;
const dataOf = (feeds: Record<string, Made>) =>
  Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, Array.from(tensor.data)]));

test('every row of a call has all cells, in storage order, with its category in each', () => {
  expect(dataOf(built(builder(2), ['fire', 'flood']))).toEqual({
    category: [...Array(6).fill('fire'), ...Array(6).fill('flood')],
    day: [0n, 0n, 0n, 1n, 1n, 1n, 0n, 0n, 0n, 1n, 1n, 1n],
    hour: [10, 11, 12, 10, 11, 12, 10, 11, 12, 10, 11, 12],
    load: Array(12).fill(0.5),
  });
});

test('types and dimensions are those that each input asks for', () => {
  const feeds = built(builder(2), ['fire', 'flood']);
  const kinds = Object.fromEntries(Object.entries(feeds).map(([name, { type, dims }]) => [name, [type, dims]]));
  expect(kinds).toEqual({
    category: ['string', [12, 1]],
    day: ['int64', [12]],
    hour: ['int32', [12, 1]],
    load: ['float32', [12]],
  });
});

test('a call that is not full has fewer rows, in every input', () => {
  const feeds = built(builder(16), ['a', 'b', 'c']);
  for (const { data, dims } of Object.values(feeds)) {
    expect(data).toHaveLength(18);
    expect(dims[0]).toBe(18);
  }
  expect(dataOf(feeds)).toEqual(dataOf(built(builder(3), ['a', 'b', 'c'])));
});

test('no category of an earlier call is left over, whatever the sizes of the calls', () => {
  const feeds = builder(3);
  const rowsOf = (categories: string[]) => categories.flatMap((category) => Array<string>(6).fill(category));
  for (const call of [['a', 'b', 'c'], ['d'], ['e', 'f'], ['g', 'h', 'i'], ['j'], ['k', 'l', 'm']]) {
    expect(dataOf(built(feeds, call))).toEqual({
      ...dataOf(built(builder(call.length), call)),
      category: rowsOf(call),
    });
  }
});

test('columns that no category changes are filled once and made once for each size of a call', () => {
  const made: string[] = [];
  const feeds = new FeedBuilder({ name: 'calls', axes, inputs: sources }, inputs, 2, (type, data, dims) => {
    made.push(`${type} ${dims.join('x')}`);
    return makeTensor(type, data, dims);
  });
  for (const call of [['a', 'b'], ['c', 'd'], ['e'], ['f'], ['g', 'h']]) feeds.build(call, { clockMs: 0 });
  expect(made.filter((tensor) => tensor.startsWith('int64'))).toEqual(['int64 12', 'int64 6']);
  expect(made.filter((tensor) => tensor.startsWith('string'))).toHaveLength(5);
});

test('one axis may feed several inputs, and be fed as another type', () => {
  const given: TensorDescription[] = [
    { name: 'h', type: 'float64', shape: ['N'] },
    { name: 'text', type: 'string', shape: ['N'] },
  ];
  const from: Record<string, InputSource> = { h: { from: 'axis', axis: 'hour' }, text: { from: 'axis', axis: 'hour' } };
  expect(dataOf(built(builder(1, given, from), ['x']))).toEqual({
    h: [10, 11, 12, 10, 11, 12],
    text: ['10', '11', '12', '10', '11', '12'],
  });
});

test('a text constant fills a text input', () => {
  const given: TensorDescription[] = [{ name: 'unit', type: 'string', shape: ['N'] }];
  const feeds = built(builder(1, given, { unit: { from: 'constant', value: 'km' } }), ['x']);
  expect(feeds.unit?.data).toEqual(Array(6).fill('km'));
});

test('two inputs may take the category', () => {
  const given: TensorDescription[] = ['a', 'b'].map((name) => ({ name, type: 'string', shape: ['N'] }));
  const feeds = built(builder(2, given, { a: { from: 'category' }, b: { from: 'category' } }), ['x', 'y']);
  expect(feeds.a?.data).toEqual([...Array(6).fill('x'), ...Array(6).fill('y')]);
  expect(feeds.b?.data).toEqual(feeds.a?.data);
});

test.each<[string, TensorDescription, InputSource, string]>([
  [
    'an axis value',
    { name: 'x', type: 'int32', shape: ['N'] },
    { from: 'axis', axis: 'dose' },
    'models.calls.axes.dose for input x: 0.5 cannot be given as int32: it is no whole number',
  ],
  [
    'a constant',
    { name: 'x', type: 'float32', shape: ['N'] },
    { from: 'constant', value: 'warm' },
    'models.calls.inputs.x: "warm" cannot be given as float32: it is text',
  ],
])('%s that does not fit its input is refused before the first call', (_, input, source, message) => {
  const spec = { name: 'calls', axes: [{ name: 'dose', values: [0, 0.5] }], inputs: { x: source } };
  expect(() => new FeedBuilder(spec, [input], 1, makeTensor)).toThrow(
    expect.objectContaining({ code: 'FW_MODEL_INPUT_VALUE', message }),
  );
});

test('a category that is written as a number feeds one', () => {
  const given: TensorDescription[] = [
    { name: 'id', type: 'int64', shape: ['N'] },
    { name: 'level', type: 'float32', shape: ['N'] },
    { name: 'name', type: 'string', shape: ['N'] },
  ];
  const from = { id: { from: 'category' }, level: { from: 'category' }, name: { from: 'category' } } as const;
  const feeds = built(builder(2, given, from), ['-7', '007']);
  expect(dataOf(feeds)).toEqual({
    id: [...Array(6).fill(-7n), ...Array(6).fill(7n)],
    level: [...Array(6).fill(-7), ...Array(6).fill(7)],
    name: [...Array(6).fill('-7'), ...Array(6).fill('007')],
  });
});

test.each([
  ['seven', 'it is text'],
  ['0x7', 'it is text'],
  [' 7', 'it is text'],
  ['7.5', 'it is no whole number'],
  ['9007199254740993', 'it is beyond 53 bits'],
])('the category %j cannot feed a whole number', (category, why) => {
  const given: TensorDescription[] = [{ name: 'id', type: 'int64', shape: ['N'] }];
  expect(() => builder(1, given, { id: { from: 'category' } }).build([category], { clockMs: 0 })).toThrow(
    expect.objectContaining({ code: 'FW_MODEL_INPUT_VALUE', message: expect.stringContaining(why) }),
  );
});
