import type { ErrorCode } from '#shared/errors';
import { resolveInputs, resolveOutput, resolveOutputNames, unusedAxes } from '#shared/model/mapping';
import type { InputSource, TensorDescription } from '#shared/model/spec';

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

  test.each(['float16', 'bool', 'uint8', 'non-tensor'])('of type %s are refused', (type) => {
    expect(() => resolve([input('day', type)])).toThrow(
      refused(
        'FW_MODEL_TYPE_UNSUPPORTED',
        `models.calls: input day has type ${type}; supported are int64, int32, float32, float64, string`,
      ),
    );
  });

  test.each([[['N']], [['N', 1]], [['']], [['N', 'M']], [['', '']]])('of shape %j are accepted', (shape) => {
    expect(resolve([input('day', 'float32', shape)])).toEqual({ day: { from: 'axis', axis: 'day' } });
  });

  test.each([[[]], [[1]], [[1, 1]], [[168]], [['N', 2]], [['N', 0]], [['N', 1, 1]], [['N', 'M', 'L']]])(
    'of shape %j are refused',
    (shape: (number | string)[]) => {
      expect(() => resolve([input('day', 'float32', shape)])).toThrow(
        refused(
          'FW_MODEL_SHAPE_UNSUPPORTED',
          `models.calls: input day has shape [${shape.join(', ')}]; each input must be [N] or [N, 1]`,
        ),
      );
    },
  );
});

describe('the output', () => {
  const mean = input('mean');
  const label = input('label', 'int64');
  const probabilities = input('probabilities', 'non-tensor', []);

  test('is the only one when none is chosen', () => {
    expect(resolveOutput({ name: 'calls', output: undefined }, [mean])).toBe(mean);
  });

  test.each(['float32', 'float64'])('is chosen by name and may be %s', (type) => {
    const chosen = input('mean', type);
    expect(resolveOutput({ name: 'calls', output: 'mean' }, [label, chosen])).toBe(chosen);
  });

  test('must be chosen where there are several', () => {
    expect(() => resolveOutput({ name: 'calls', output: undefined }, [label, mean])).toThrow(
      refused('FW_MODEL_OUTPUT_UNKNOWN', 'models.calls.output: the model has several outputs; it has label, mean'),
    );
  });

  test('must be there', () => {
    expect(() => resolveOutput({ name: 'calls', output: 'median' }, [label, mean])).toThrow(
      refused('FW_MODEL_OUTPUT_UNKNOWN', 'models.calls.output: no output is named median; it has label, mean'),
    );
  });

  test.each([label, probabilities])('must be of floats: $name is not', (chosen) => {
    expect(() => resolveOutput({ name: 'calls', output: chosen.name }, [label, probabilities])).toThrow(
      refused(
        'FW_MODEL_TYPE_UNSUPPORTED',
        `models.calls: output ${chosen.name} has type ${chosen.type}; supported are float32, float64`,
      ),
    );
  });
});

describe('the names of the values of a cell', () => {
  test.each([
    ['the only output', undefined, 1, ['mean']],
    ['the output, numbered', undefined, 3, ['mean_0', 'mean_1', 'mean_2']],
    ['as configured, for one', ['calls'], 1, ['calls']],
    ['as configured, for two', ['low', 'high'], 2, ['low', 'high']],
  ])('are %s', (_, outputs, perCell, names) => {
    expect(resolveOutputNames({ name: 'calls', outputs }, 'mean', perCell)).toEqual(names);
  });

  test.each([
    [['low'], 2],
    [['low', 'high'], 1],
    [[], 1],
  ])('%j do not name %i values', (outputs: string[], perCell) => {
    expect(() => resolveOutputNames({ name: 'calls', outputs }, 'mean', perCell)).toThrow(
      refused(
        'FW_MODEL_OUTPUT_SIZE',
        `models.calls.outputs names ${outputs.length} values, but mean gives ${perCell} per cell`,
        `List ${perCell} names under models.calls.outputs, or leave it out.`,
      ),
    );
  });
});
