import type { ErrorCode } from '#shared/errors';
import { resolveBatch, resolveInputs, resolveOutputs, resolveValues, unusedAxes } from '#shared/model/mapping';
import type { ColumnSource, InputSource, TensorDescription } from '#shared/model/spec';

const axes = [
  { name: 'day', values: [0, 1] },
  { name: 'hour', values: [0, 1, 2] },
];
const input = (name: string, type = 'float32', shape: (number | string)[] = ['N', 1]): TensorDescription => ({
  name,
  type,
  shape,
});
const resolve = (inputs: readonly TensorDescription[], sources: Record<string, InputSource> = {}) =>
  resolveInputs({ name: 'calls', axes, inputs: sources }, inputs);
const refused = (code: ErrorCode, message: string, next: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message, next });

describe('inputs', () => {
  test('are matched by name to axes and to the category', () => {
    expect(resolve([input('hour'), input('category', 'string'), input('day', 'int64')])).toEqual({
      hour: { from: 'axis', axis: 'hour' },
      category: { from: 'category' },
      day: { from: 'axis', axis: 'day' },
    });
  });

  test('are fed as configured, also against their names', () => {
    const sources: Record<string, InputSource> = {
      weekday: { from: 'axis', axis: 'day' },
      station: { from: 'category' },
      temperature: { from: 'constant', value: 20.5 },
      hour: { from: 'constant', value: 12 },
    };
    const names = ['weekday', 'station', 'temperature', 'hour', 'day'];
    expect(
      resolve(
        names.map((name) => input(name)),
        sources,
      ),
    ).toEqual({ ...sources, day: { from: 'axis', axis: 'day' } });
  });

  test('may leave axes unused', () => {
    const inputs = resolve([input('day')]);
    expect(inputs).toEqual({ day: { from: 'axis', axis: 'day' } });
    expect(unusedAxes({ axes, inputs })).toEqual([{ name: 'hour', values: [0, 1, 2] }]);
  });

  test('use the axes that they are fed with, whatever their names', () => {
    const sources: Record<string, InputSource> = {
      weekday: { from: 'axis', axis: 'day' },
      day: { from: 'constant', value: 1 },
      hour: { from: 'category' },
    };
    const inputs = resolve([input('weekday'), input('day'), input('hour')], sources);
    expect(unusedAxes({ axes, inputs }).map(({ name }) => name)).toEqual(['hour']);
  });

  test('that are configured and not there are refused with those that are', () => {
    expect(() => resolve([input('day'), input('hour')], { weekday: { from: 'axis', axis: 'day' } })).toThrow(
      refused('FW_MODEL_INPUT_UNKNOWN', 'models.calls.inputs.weekday: the model has no such input; it has day, hour'),
    );
  });

  test('that nothing provides are refused all at once', () => {
    expect(() => resolve([input('minute'), input('day'), input('station')])).toThrow(
      refused(
        'FW_MODEL_INPUT_UNMAPPED',
        'models.calls: nothing provides the model input minute, station; the axes are day, hour',
        'Add an axis named minute, or map it under models.calls.inputs.',
      ),
    );
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])(
    'named %s are not mapped to what objects inherit',
    (name) => {
      expect(() => resolve([input(name)])).toThrow(expect.objectContaining({ code: 'FW_MODEL_INPUT_UNMAPPED' }));
      expect(resolve([input(name)], { [name]: { from: 'category' } })).toEqual({ [name]: { from: 'category' } });
    },
  );

  test('are matched by their exact names', () => {
    expect(() => resolve([input('Day')])).toThrow(expect.objectContaining({ code: 'FW_MODEL_INPUT_UNMAPPED' }));
  });

  test.each(['float16', 'uint8', 'non-tensor'])('of type %s are refused', (type) => {
    expect(() => resolve([input('day', type)])).toThrow(
      refused(
        'FW_MODEL_TYPE_UNSUPPORTED',
        `models.calls: input day has type ${type}; supported are int64, int32, float32, float64, bool, string`,
      ),
    );
  });

  test.each([[['N']], [['N', 1]], [['']], [['N', 'M']], [['', '']], [[]], [[1]], [[1, 1]], [[168]], [['N', 0]]])(
    'of shape %j are accepted',
    (shape: (number | string)[]) => {
      expect(resolve([input('day', 'float32', shape)])).toEqual({ day: { from: 'axis', axis: 'day' } });
    },
  );

  test.each<[(number | string)[], string]>([
    [['N', 1, 1], 'has shape [N, 1, 1]; an input must be [N] or [N, F], one row for each cell'],
    [['', 'M', 'L'], 'has shape [N, M, L]; an input must be [N] or [N, F], one row for each cell'],
    [['N', 2], 'has shape [N, 2], which takes 2 columns; it is given 1'],
  ])('of shape %j are refused', (shape, why) => {
    expect(() => resolve([input('day', 'float32', shape)])).toThrow(
      refused('FW_MODEL_SHAPE_UNSUPPORTED', `models.calls: input day ${why}`),
    );
  });

  test.each<[readonly ColumnSource[], number]>([
    [
      [
        { from: 'axis', axis: 'day' },
        { from: 'axis', axis: 'hour' },
      ],
      2,
    ],
    [[{ from: 'axis', axis: 'hour', transform: 'onehot' }], 3],
    [
      [
        { from: 'axis', axis: 'hour', transform: 'cyclic' },
        { from: 'constant', value: 1 },
      ],
      3,
    ],
    [[{ from: 'category', as: 'index', vocabulary: ['a', 'b'] }], 1],
    [[{ from: 'category', as: 'onehot', vocabulary: ['a', 'b'] }, { from: 'category' }], 3],
    [[{ from: 'clock', field: 'month', timezone: 'UTC', transform: 'onehot' }], 12],
    [[{ from: 'clock', field: 'dayOfYear', timezone: 'UTC', transform: 'cyclic' }], 2],
  ])('of a matrix take the columns of %j', (columns, width) => {
    const source: InputSource = { from: 'columns', columns };
    expect(resolve([input('x', 'float32', ['N', width])], { x: source })).toEqual({ x: source });
    expect(() => resolve([input('x', 'float32', ['N', width + 1])], { x: source })).toThrow(
      refused(
        'FW_MODEL_SHAPE_UNSUPPORTED',
        `models.calls: input x has shape [N, ${width + 1}], which takes ${width + 1} columns; it is given ${width}`,
        'List its columns in order under models.calls.inputs.x; `forewarm model inspect` proposes some.',
      ),
    );
  });

  test('of columns use the axes in them', () => {
    const columns: ColumnSource[] = [{ from: 'axis', axis: 'hour' }, { from: 'category' }];
    expect(unusedAxes({ axes, inputs: { x: { from: 'columns', columns } } }).map(({ name }) => name)).toEqual(['day']);
  });

  test('of one fixed size make the batch, and must agree', () => {
    expect(resolveBatch('calls', [input('a', 'float32', [8, 1]), input('b', 'float32', ['N', 1])])).toBe(8);
    expect(resolveBatch('calls', [input('a', 'float32', [0, 1]), input('b', 'float32', ['', 1])])).toBeUndefined();
    expect(() => resolveBatch('calls', [input('a', 'float32', [8, 1]), input('b', 'float32', [4])])).toThrow(
      refused('FW_MODEL_SHAPE_UNSUPPORTED', expect.stringContaining('8, 4') as unknown as string),
    );
  });
});

describe('the outputs', () => {
  const mean = input('mean');
  const label = input('label', 'int64');
  const probabilities = input('probabilities', 'non-tensor', []);
  const has = 'it has label (int64), mean (float32)';

  test('are the only one when none is chosen', () => {
    expect(resolveOutputs({ name: 'calls', output: undefined }, [mean])).toEqual([mean]);
  });

  test.each(['float32', 'float64', 'int64', 'int32', 'bool'])('are chosen by name and may be %s', (type) => {
    const chosen = input('mean', type);
    expect(resolveOutputs({ name: 'calls', output: 'mean' }, [label, chosen])).toEqual([chosen]);
  });

  test('may be several, in the order of the configuration', () => {
    expect(resolveOutputs({ name: 'calls', output: ['mean', 'label'] }, [label, mean])).toEqual([mean, label]);
  });

  test('must be chosen where there are several', () => {
    expect(() => resolveOutputs({ name: 'calls', output: undefined }, [label, mean])).toThrow(
      refused('FW_MODEL_OUTPUT_UNKNOWN', `models.calls.output: the model has several outputs; ${has}`),
    );
  });

  test.each(['median', ['mean', 'median']])('must be there: %j', (output) => {
    expect(() => resolveOutputs({ name: 'calls', output }, [label, mean])).toThrow(
      refused('FW_MODEL_OUTPUT_UNKNOWN', `models.calls.output: no output is named median; ${has}`),
    );
  });

  test.each([probabilities, input('text', 'string')])('must be of numbers: $name is not', (chosen) => {
    expect(() => resolveOutputs({ name: 'calls', output: chosen.name }, [label, chosen])).toThrow(
      refused(
        'FW_MODEL_TYPE_UNSUPPORTED',
        `models.calls: output ${chosen.name} has type ${chosen.type}; supported are float32, float64, int64, int32, bool`,
      ),
    );
  });
});

describe('the names of the values of a cell', () => {
  const given = (count: number, labels?: readonly string[], name = 'mean') => ({ name, count, labels });

  test.each<[string, string[] | undefined, ReturnType<typeof given>[], string[]]>([
    ['the only output', undefined, [given(1)], ['mean']],
    ['the output, numbered', undefined, [given(3)], ['mean_0', 'mean_1', 'mean_2']],
    ['the classes of a classifier', undefined, [given(2, ['fire', 'flood'])], ['fire', 'flood']],
    ['numbered where the labels are of something else', undefined, [given(2, ['a', 'b', 'c'])], ['mean_0', 'mean_1']],
    ['those of each output', undefined, [given(1), given(2, undefined, 'band')], ['mean', 'band_0', 'band_1']],
    ['as configured, for one', ['calls'], [given(1)], ['calls']],
    ['as configured, for two', ['low', 'high'], [given(2, ['fire', 'flood'])], ['low', 'high']],
  ])('are %s', (_, outputs, from, names) => {
    expect(resolveValues({ name: 'calls', outputs }, from)).toEqual({ outputs: names, picked: undefined });
  });

  test('are those of the classes that were chosen, which alone are stored', () => {
    const from = [given(1), given(3, ['a', 'b', 'c'], 'probabilities')];
    expect(resolveValues({ name: 'calls', outputs: undefined, classes: ['c', 'a'] }, from)).toEqual({
      outputs: ['c', 'a'],
      picked: [3, 1],
    });
    expect(resolveValues({ name: 'calls', outputs: ['x', 'y'], classes: ['c', 'a'] }, from).outputs).toEqual([
      'x',
      'y',
    ]);
  });

  test('of a class that there is not are refused', () => {
    const values = (labels: readonly string[] | undefined) => () =>
      resolveValues({ name: 'calls', outputs: undefined, classes: ['d'] }, [given(2, labels)]);
    expect(values(['a', 'b'])).toThrow(
      refused('FW_MODEL_CLASS_UNKNOWN', 'models.calls.classes: no class is named d; it has a, b'),
    );
    expect(values(undefined)).toThrow(
      refused(
        'FW_MODEL_CLASS_UNKNOWN',
        'models.calls.classes: no class is named d; the graph does not tell which classes it has',
        'Name the values under models.calls.outputs instead.',
      ),
    );
  });

  test.each([
    [['low'], 2],
    [['low', 'high'], 1],
    [[], 1],
  ])('%j do not name %i values', (outputs: string[], count) => {
    expect(() => resolveValues({ name: 'calls', outputs }, [given(count)])).toThrow(
      refused(
        'FW_MODEL_OUTPUT_SIZE',
        `models.calls.outputs names ${outputs.length} values, but mean gives ${count} per cell`,
        `List ${count} names under models.calls.outputs, or leave it out.`,
      ),
    );
  });
});
