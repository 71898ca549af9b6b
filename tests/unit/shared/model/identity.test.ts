import { generationOf, type IdentityParts, identityDocument, identityOf } from '#shared/model/identity';
import { rowFrame } from '#shared/model/spec';

const parts: IdentityParts = {
  fileSha256: 'a'.repeat(64),
  axes: [
    { name: 'day', values: [0, 1, 2] },
    { name: 'hour', values: [0, 1] },
  ],
  inputs: {
    day: { from: 'axis', axis: 'day' },
    hour: { from: 'axis', axis: 'hour' },
    category: { from: 'category' },
    temperature: { from: 'constant', value: 20 },
  },
  output: 'mean',
  outputs: ['mean'],
};

test('an identity is 64 hexadecimal digits, and a generation the first 12 of them', () => {
  const identity = identityOf(parts);
  expect(identity).toMatch(/^[0-9a-f]{64}$/);
  expect(generationOf(identity)).toBe(identity.slice(0, 12));
});

test('the identity of these parts never changes: rows that are stored depend on it', () => {
  expect(identityOf(parts)).toBe('a43840b1187e1ed25b2d4a76b95b073b9c50f10e10b59e73a1b06913871a63dc');
});

test('the order of inputs does not matter', () => {
  const inputs = Object.fromEntries(Object.entries(parts.inputs).reverse());
  expect(Object.keys(inputs)).not.toEqual(Object.keys(parts.inputs));
  expect(identityOf({ ...parts, inputs })).toBe(identityOf(parts));
});

test('the order of fields does not matter', () => {
  const axes = parts.axes.map(({ name, values }) => ({ values, name }));
  const inputs = { ...parts.inputs, day: { axis: 'day', from: 'axis' as const } };
  expect(identityOf({ ...parts, axes, inputs })).toBe(identityOf(parts));
});

test('nothing but the parts matters: not the categories, the version, the name or the place of the file', () => {
  const more = { ...parts, categories: ['a'], version: '2', name: 'other', file: '/elsewhere.onnx' };
  expect(identityOf(more)).toBe(identityOf(parts));
});

const changes: [string, Partial<IdentityParts>][] = [
  ['the file', { fileSha256: 'b'.repeat(64) }],
  ['the order of axes', { axes: [...parts.axes].reverse() }],
  ['the name of an axis', { axes: [{ name: 'weekday', values: [0, 1, 2] }, ...parts.axes.slice(1)] }],
  ['a value of an axis', { axes: [{ name: 'day', values: [0, 1, 3] }, ...parts.axes.slice(1)] }],
  ['the order of values', { axes: [{ name: 'day', values: [2, 1, 0] }, ...parts.axes.slice(1)] }],
  ['numbers that become text', { axes: [{ name: 'day', values: ['0', '1', '2'] }, ...parts.axes.slice(1)] }],
  ['one axis less', { axes: parts.axes.slice(0, 1) }],
  ['the source of an input', { inputs: { ...parts.inputs, day: { from: 'axis', axis: 'hour' } } }],
  ['the kind of a source', { inputs: { ...parts.inputs, day: { from: 'category' } } }],
  ['a constant', { inputs: { ...parts.inputs, temperature: { from: 'constant', value: 21 } } }],
  ['a constant as text', { inputs: { ...parts.inputs, temperature: { from: 'constant', value: '20' } } }],
  ['one input more', { inputs: { ...parts.inputs, x: { from: 'constant', value: 0 } } }],
  ['the output', { output: 'median' }],
  ['the names of the values', { outputs: ['median'] }],
  ['the number of values', { outputs: ['mean', 'median'] }],
];

test.each(changes)('%s matters', (_, change) => {
  expect(identityOf({ ...parts, ...change })).not.toBe(identityOf(parts));
});

test('no two of these changes make the same identity', () => {
  expect(new Set(changes.map(([, change]) => identityOf({ ...parts, ...change }))).size).toBe(changes.length);
});

test('the document is JSON that says what was hashed', () => {
  expect(JSON.parse(identityDocument(parts))).toEqual({
    format: 1,
    onnx: parts.fileSha256,
    axes: parts.axes,
    inputs: [
      ['category', 'category'],
      ['day', 'axis', 'day'],
      ['hour', 'axis', 'hour'],
      ['temperature', 'constant', 20],
    ],
    output: 'mean',
    outputs: ['mean'],
  });
});

test('rows carry the first 8 bytes of the identity', () => {
  const frame = rowFrame({ ...parts, identity: '0123456789abcdef'.repeat(4) });
  expect([frame.cells, frame.outputs]).toEqual([6, 1]);
  expect(Buffer.from(frame.identity).toString('hex')).toBe('0123456789abcdef');
});
