import { join } from 'node:path';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

const withAxes = (axes: string) => minimal().replace('{ hour: { from: 0, to: 23 } }', axes);
const withFile = (name: string, extra = '') => minimal('', `categories: { file: ${name}${extra} }`);

test.each([
  ['{ a: [1, 2.5, -3] }', [1, 2.5, -3]],
  ['{ a: [north, "1"] }', ['north', '1']],
  ['{ a: { from: 0, to: 1, step: 0.1 } }', [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]],
  ['{ a: { from: -2, to: 3, step: 2 } }', [-2, 0, 2]],
  ['{ a: { from: 5, to: 5 } }', [5]],
  ['{ a: [-0.0] }', [0]],
])('the axis %s has its values', (axes, values) => {
  expect(workspace.load(withAxes(axes)).models[0]?.axes).toEqual([{ name: 'a', values }]);
});

test('axes keep their order', () => {
  const axes = workspace.load(withAxes('{ z: [1], a: [1], m: [1] }')).models[0]?.axes;
  expect(axes?.map(({ name }) => name)).toEqual(['z', 'a', 'm']);
});

const AXES: [string, string, string][] = [
  ['{}', '', 'a map with at least one axis'],
  ['[1, 2]', '', 'a map with at least one axis'],
  ['{ category: [1] }', '.category', 'another name'],
  ['{ 1: [1] }', '.1', 'begins with a letter'],
  ['{ "a b": [1] }', '["a b"]', 'begins with a letter'],
  ['{ a: [] }', '.a', 'a list of 1 to'],
  ['{ a: 5 }', '.a', 'a list of 1 to'],
  ['{ a: }', '.a', 'a list of 1 to'],
  ['{ a: [1, x] }', '.a[1]', 'a number as the first value is'],
  ['{ a: [x, 1] }', '.a[1]', 'text in quotes as the first value is'],
  ['{ a: [1, true] }', '.a[1]', 'a number, or text written in quotes'],
  ['{ a: [.nan] }', '.a[0]', 'a finite number'],
  ['{ a: [.inf] }', '.a[0]', 'a finite number'],
  ['{ a: [9007199254740993] }', '.a[0]', 'below 2^53'],
  ['{ a: [1, 2, 1.0] }', '.a[2]', 'each value once; the same is at [0]'],
  ['{ a: ["\\ud800"] }', '.a[0]', 'lone surrogates'],
  ['{ a: { from: 1 } }', '.a.to', 'a number'],
  ['{ a: { from: 2, to: 1 } }', '.a.to', 'not below `from`, which is 2'],
  ['{ a: { from: 0, to: 1, step: 0 } }', '.a.step', 'a step above 0'],
  ['{ a: { from: 0, to: 1, by: 2 } }', '.a.by', 'only `from`, `to` and `step`'],
  ['{ a: { from: 0, to: 1000000000 } }', '.a', 'at most 1000000 values'],
  ['{ a: { from: 0, to: 65536 } }', '', 'at most 65536 (limits.cellsPerRow)'],
  ['{ a: { from: 0, to: 999 }, b: { from: 0, to: 99 } }', '', 'at most 65536 (limits.cellsPerRow)'],
];

test.each(AXES)('axes %s', (axes, path, expected) => {
  const problems = workspace.problems(withAxes(axes));
  expect(problems).toEqual([
    expect.objectContaining({ path: `models.calls.axes${path}`, expected: expect.stringContaining(expected) }),
  ]);
});

test('a grid above the limit is refused with its arithmetic', () => {
  const yaml = minimal('limits: { gridBytes: 1KiB }', 'outputs: [low, p10, mean, p90, p99, high]');
  expect(workspace.problems(yaml)).toMatchObject([
    { path: 'models.calls', given: '2 rows of 608 bytes = 1216 bytes', expected: 'at most 1KiB (limits.gridBytes)' },
  ]);
});

const MODEL: [string, object][] = [
  ['categories: []', { path: 'models.calls.categories', given: 'an empty list' }],
  ['categories: x', { path: 'models.calls.categories', given: '"x"' }],
  ['categories: [a, 1]', { path: 'models.calls.categories[1]', expected: 'text, written in quotes' }],
  ['categories: ["a\\0"]', { path: 'models.calls.categories[0]', expected: expect.stringContaining('U+0000') }],
  [
    `categories: [${'é'.repeat(257)}]`,
    { expected: expect.stringContaining('514 bytes'), given: expect.stringContaining('257') },
  ],
  ['categories: ["\\udc00"]', { expected: expect.stringContaining('lone surrogate') }],
  ['categories: { column: x }', { kind: 'missing', path: 'models.calls.categories.file' }],
  ['categories: { file: x.csv, colum: y }', { path: 'models.calls.categories.colum' }],
  ['inputs: [x]', { path: 'models.calls.inputs', given: 'a list of 1' }],
  ['inputs: { x: hour }', { path: 'models.calls.inputs.x' }],
  ['inputs: { x: { axis: hour, constant: 1 } }', { path: 'models.calls.inputs.x' }],
  [
    'inputs: { x: { axis: hours } }',
    { path: 'models.calls.inputs.x.axis', expected: expect.stringContaining('`hour`') },
  ],
  [
    'inputs: { x: { category: false } }',
    { path: 'models.calls.inputs.x.category', expected: '`true`, `index` or `onehot`' },
  ],
  ['inputs: { x: { constant: .inf } }', { path: 'models.calls.inputs.x.constant' }],
  ['outputs: []', { path: 'models.calls.outputs' }],
  ['outputs: [a, a]', { path: 'models.calls.outputs[1]', expected: 'each name once; the same is at [0]' }],
  ['every: 999ms', { path: 'models.calls.every', expected: expect.stringContaining('from 1s to 1d') }],
  ['every: 25h', { path: 'models.calls.every' }],
  ['overlap: both', { path: 'models.calls.overlap' }],
  ['batchSize: 10001', { path: 'models.calls.batchSize' }],
  [
    'expireAfter: 59s',
    {
      path: 'models.calls.expireAfter',
      given: '"59s"',
      expected: expect.stringMatching(/^at least 1m .* which is 20s/),
    },
  ],
  ['version: 1.10', { path: 'models.calls.version', expected: expect.stringContaining('quotes') }],
  [
    `version: ${'v'.repeat(101)}`,
    { path: 'models.calls.version', given: expect.stringMatching(/… \(101 characters\)$/) },
  ],
  ['stale_after: 1m', { kind: 'unknown', path: 'models.calls.stale_after', suggestion: 'staleAfter' }],
];

test.each(MODEL)('%s', (line, problem) => expect(workspace.problems(minimal('', line))).toMatchObject([problem]));

test.each([
  ['expireAfter: 1m', 60_000],
  ['expireAfter: never', undefined],
])('%s', (line, expireAfterMs) => expect(workspace.load(minimal('', line)).models[0]).toMatchObject({ expireAfterMs }));

test('inputs are told apart, whatever their names', () => {
  const yaml = minimal('', 'inputs: { "a.b:0": { axis: hour }, __proto__: { category: true }, c: { constant: x } }');
  expect(Object.entries(workspace.load(yaml).models[0]?.inputs ?? {})).toEqual([
    ['a.b:0', { from: 'axis', axis: 'hour' }],
    ['__proto__', { from: 'category' }],
    ['c', { from: 'constant', value: 'x' }],
  ]);
});

describe('categories in a file', () => {
  test('paths are relative to the configuration file', () => {
    const file = workspace.write('list.csv', '\uFEFFcategory\nb\na\n');
    expect(workspace.load(withFile('list.csv')).models[0]).toMatchObject({
      categories: ['b', 'a'],
      categorySource: file,
      file: join(workspace.folder, 'm.onnx'),
    });
  });

  test('faults name the line of the file, duplicates both lines', () => {
    workspace.write('bad.csv', `category,n\na,1\n,2\n"a",3\n${'x'.repeat(513)},4\n`);
    expect(workspace.problems(withFile('bad.csv'))).toMatchObject([
      { from: 'bad.csv:3', given: '""', expected: expect.stringContaining('is empty') },
      { from: 'bad.csv:4', given: '"a"', expected: 'each category once; the same is at bad.csv:2' },
      { from: 'bad.csv:5', expected: expect.stringContaining('513 bytes') },
    ]);
    workspace.write('bad.json', '["a", "\\ud800", 1, null]');
    expect(workspace.problems(withFile('bad.json'))).toMatchObject([
      { from: 'bad.json (entry 2)', expected: expect.stringContaining('lone surrogate') },
      { from: 'bad.json (entry 3)', given: '1', expected: 'text, written in quotes' },
      { from: 'bad.json (entry 4)', given: 'nothing' },
    ]);
  });

  test('a missing file, a missing column and another encoding point at the setting', () => {
    expect(workspace.problems(withFile('none.csv'))).toMatchObject([
      {
        path: 'models.calls.categories.file',
        from: 'forewarm.yaml:5',
        expected: 'a file that exists; there is no none.csv',
      },
    ]);
    workspace.write('named.csv', 'names\na\n');
    expect(workspace.problems(withFile('named.csv', ', column: name'))).toMatchObject([
      { path: 'models.calls.categories.column', given: '"name"', expected: expect.stringContaining('`names`') },
    ]);
    workspace.write('latin1.txt', Buffer.from('caf\xe9', 'latin1'));
    expect(workspace.problems(withFile('latin1.txt'))).toMatchObject([{ expected: 'UTF-8 text' }]);
    expect(workspace.problems(withFile('.'))).toMatchObject([{ path: 'models.calls.categories.file' }]);
  });

  test('of a file that is wrong throughout, the first faults are listed and the others counted', () => {
    workspace.write('same.txt', 'a\n'.repeat(1000));
    const problems = workspace.problems(withFile('same.txt'));
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.expected).toBe('valid categories; 979 more are wrong');
  });
});

test('a fault in one setting of a model does not hide those of others', () => {
  workspace.write('twice.txt', 'a\na\n');
  const yaml = minimal(
    'limits: { cellsPerRow: 10 }',
    'categories: { file: twice.txt }\nevery: 5\ninputs: { x: { axis: y } }',
  );
  expect(workspace.problems(yaml).map(({ path }) => path)).toEqual([
    'models.calls.every',
    'models.calls.categories',
    'models.calls.inputs.x.axis',
    'models.calls.axes',
  ]);
});

test('limits that are wrong themselves are not held against the models', () => {
  const yaml = minimal('limits: { cellsPerRow: 0, gridBytes: 1KiB }');
  expect(workspace.problems(yaml).map(({ path }) => path)).toEqual(['limits.cellsPerRow']);
});
