import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Axis, cellCount, coordinatesOf } from '#shared/cache/grid';
import { readGraph, withoutZipMap } from '#shared/model/onnx-graph';
import { OnnxModel } from '#shared/model/onnx-model';
import type { ModelMapping } from '#shared/model/spec';
import {
  attribute,
  castTo,
  classifier,
  type ElementType,
  exportedModel,
  floatsConstant,
  integersConstant,
  matrixRegressor,
  node,
} from '../../../support/exported-models';

/** Every kind of signature that exporters give a model: what is stored has the bits of a direct run of the runtime. */

const folder = mkdtempSync(join(tmpdir(), 'forewarm-signatures-'));
afterAll(() => rmSync(folder, { recursive: true }));

const axes: Axis[] = [
  { name: 'day', values: [0, 1, 2, 3, 4, 5, 6] },
  { name: 'hour', values: [0, 6, 12] },
];
const CATEGORIES = ['a', 'b', 'c'];
const COORDINATES = Array.from({ length: cellCount(axes) }, (_, cell) => coordinatesOf(axes, cell) as number[]);
const CLOCK_MS = Date.UTC(2026, 1, 28, 22, 30);
const VOCABULARY = ['c', 'b', 'x', 'a'];

let files = 0;
function mappingOf(bytes: Uint8Array, more: Partial<ModelMapping> = {}): ModelMapping {
  files += 1;
  const file = join(folder, `${files}.onnx`);
  writeFileSync(file, bytes);
  return { name: 'm', file, version: undefined, axes, inputs: {}, output: undefined, outputs: undefined, ...more };
}

async function stored(mapping: ModelMapping, categories = CATEGORIES) {
  const model = await OnnxModel.open(mapping, CATEGORIES);
  const values = await model.run(categories, { clockMs: CLOCK_MS });
  await model.release();
  // As an inference process has it.
  const again = await OnnxModel.reopen(model.spec);
  expect(bits(await again.run(categories, { clockMs: CLOCK_MS }))).toEqual(bits(values));
  await again.release();
  return { spec: model.spec, values };
}

/** One run of the runtime with these feeds: the output as it is returned. */
async function direct(bytes: Uint8Array, feeds: Record<string, Tensor>, output: string): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, {
    ...{ intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 },
  });
  const { data } = (await session.run(feeds, [output]))[output] as Tensor;
  await session.release();
  return data as Float32Array;
}

const bits = (values: Float32Array): number[] => [...new Int32Array(values.buffer, values.byteOffset, values.length)];

/** A matrix with a row for each cell of each category. */
function matrix(rowOf: (day: number, hour: number, category: string) => number[], categories = CATEGORIES): Tensor {
  const rows = categories.flatMap((category) => COORDINATES.map(([day = 0, hour = 0]) => rowOf(day, hour, category)));
  return new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]);
}

const day = { from: 'axis', axis: 'day' } as const;
const hour = { from: 'axis', axis: 'hour' } as const;

describe('inputs', () => {
  test('one matrix, with its columns in the order of the configuration', async () => {
    const bytes = matrixRegressor(4);
    const columns = [
      hour,
      day,
      { from: 'constant', value: 2.5 },
      { from: 'category', as: 'index', vocabulary: VOCABULARY },
    ];
    const { spec, values } = await stored(
      mappingOf(bytes, { inputs: { float_input: { from: 'columns', columns } as never } }),
    );
    const x = matrix((d, h, category) => [h, d, 2.5, VOCABULARY.indexOf(category)]);
    expect(bits(values)).toEqual(bits(await direct(bytes, { float_input: x }, 'variable')));
    expect(spec).toMatchObject({ outputs: ['variable'], output: 'variable', fixedBatch: undefined });
  });

  test('one-hot and cyclic columns of axes, of the category and of the clock', async () => {
    const bytes = matrixRegressor(3 + 2 + 4 + 2 + 7 + 1);
    const columns = [
      { ...hour, transform: 'onehot' },
      { ...day, transform: 'cyclic' },
      { from: 'category', as: 'onehot', vocabulary: VOCABULARY },
      { from: 'clock', field: 'month', timezone: 'UTC', transform: 'cyclic' },
      { from: 'clock', field: 'weekday', timezone: 'UTC', transform: 'onehot' },
      { from: 'clock', field: 'dayOfYear', timezone: 'Asia/Tokyo' },
    ];
    const { values } = await stored(
      mappingOf(bytes, { inputs: { float_input: { from: 'columns', columns } as never } }),
    );
    const onehot = (length: number, place: number) => Array.from({ length }, (_, i) => (i === place ? 1 : 0));
    const turn = (part: number) => [Math.sin(2 * Math.PI * part), Math.cos(2 * Math.PI * part)];
    const x = matrix((d, h, category) => [
      ...onehot(3, h / 6),
      ...turn(d / 7),
      ...onehot(4, VOCABULARY.indexOf(category)),
      ...turn(2 / 12),
      // 28 February 2026 is a Saturday, and a Sunday, the 1st of March, in Tokyo by then.
      ...onehot(7, 5),
      60,
    ]);
    expect(bits(values)).toEqual(bits(await direct(bytes, { float_input: x }, 'variable')));
  });

  test.each<[ElementType, unknown, (values: number[]) => Tensor]>([
    ['FLOAT', 0.5, (values) => new Tensor('float32', Float32Array.from(values), [values.length, 1])],
    ['DOUBLE', 0.1, (values) => new Tensor('float64', Float64Array.from(values), [values.length, 1])],
    ['INT64', 3, (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length, 1])],
    ['INT32', 3, (values) => new Tensor('int32', Int32Array.from(values), [values.length, 1])],
    ['BOOL', true, (values) => new Tensor('bool', Uint8Array.from(values), [values.length, 1])],
  ])('one input of %s to a column', async (type, constant, tensor) => {
    const bytes = exportedModel({
      inputs: [
        { name: 'day', type: 'FLOAT', dims: ['N', 1] },
        { name: 'x', type, dims: ['N', 1] },
      ],
      outputs: [{ name: 'y', type: 'FLOAT', dims: ['N', 1] }],
      nodes: [node('Cast', ['x'], ['number'], [castTo('FLOAT')]), node('Add', ['day', 'number'], ['y'])],
    });
    const { values } = await stored(
      mappingOf(bytes, { inputs: { x: { from: 'constant', value: constant as number } } }),
    );
    const feeds = { day: matrix((d) => [d]), x: tensor(Array(values.length).fill(Number(constant))) };
    expect(bits(values)).toEqual(bits(await direct(bytes, feeds, 'y')));
  });

  test('texts alone', async () => {
    const bytes = exportedModel({
      inputs: ['category', 'hour'].map((name) => ({ name, type: 'STRING', dims: ['N', 1] })),
      outputs: [{ name: 'y', type: 'FLOAT', dims: ['N', 1] }],
      nodes: [
        ...['category', 'hour'].map((name) =>
          node(
            'LabelEncoder',
            [name],
            [`${name}_number`],
            [
              attribute.texts('keys_strings', ['a', 'b', '6', '12']),
              attribute.floats('values_floats', [1, 2, 60, 120]),
              attribute.float('default_float', -1),
            ],
          ),
        ),
        node('Add', ['category_number', 'hour_number'], ['y']),
      ],
    });
    const { values } = await stored(mappingOf(bytes), ['b']);
    expect(Array.from(values.slice(0, 3))).toEqual([1, 62, 122]);
  });

  test.each([
    ['of no name', null],
    ['of another name', 'batch_size'],
  ])('a first dimension %s is any', async (_, batch) => {
    const bytes = matrixRegressor(2, { batch });
    const { values } = await stored(
      mappingOf(bytes, { inputs: { float_input: { from: 'columns', columns: [day, hour] } } }),
    );
    expect(bits(values)).toEqual(bits(await direct(bytes, { float_input: matrix((d, h) => [d, h]) }, 'variable')));
  });

  test.each([1, 4, 21, 50, 1_000])(
    'a first dimension of %i is fed in groups, the last one filled up',
    async (batch) => {
      const bytes = matrixRegressor(2, { batch, targets: 2 });
      const { spec, values } = await stored(
        mappingOf(bytes, { inputs: { float_input: { from: 'columns', columns: [day, hour] } } }),
      );
      expect(spec).toMatchObject({ fixedBatch: batch, outputs: ['variable_0', 'variable_1'] });
      const rows = CATEGORIES.flatMap(() => COORDINATES);
      const expected: number[] = [];
      for (let from = 0; from < rows.length; from += batch) {
        const group = Array.from({ length: batch }, (_, i) => rows[Math.min(from + i, rows.length - 1)] as number[]);
        const x = new Tensor('float32', Float32Array.from(group.flat()), [batch, 2]);
        const answer = bits(await direct(bytes, { float_input: x }, 'variable'));
        expected.push(...answer.slice(0, 2 * Math.min(batch, rows.length - from)));
      }
      expect(bits(values)).toEqual(expected);
    },
  );
});

describe('outputs', () => {
  const inputs = { X: { from: 'columns', columns: [day, hour] } } as const;
  const x = matrix((d, h) => [d, h]);

  test.each([
    ['declared as [1, 1]', [1, 1]],
    ['of which no shape is declared', []],
    ['declared without names', [null, null]],
  ])('of two values a row, %s, are what a run returns', async (_, declared) => {
    const bytes = matrixRegressor(2, { targets: 2, declared });
    const { spec, values } = await stored(
      mappingOf(bytes, { inputs: { float_input: { from: 'columns', columns: [day, hour] } } }),
    );
    expect(spec.outputs).toEqual(['variable_0', 'variable_1']);
    expect(bits(values)).toEqual(bits(await direct(bytes, { float_input: x }, 'variable')));
  });

  const LABELS = ['fire', 'flood', 'crash'];

  test('the probabilities of a classifier are named after its classes', async () => {
    const bytes = classifier(LABELS, 2);
    const { spec, values } = await stored(mappingOf(bytes, { inputs, output: 'output_probability' }));
    expect(spec).toMatchObject({ outputs: LABELS, hasZipMap: false });
    expect(bits(values)).toEqual(bits(await direct(bytes, { X: x }, 'output_probability')));
  });

  test('ZipMap is taken out of the graph, and nothing else', async () => {
    const [plain, zipped] = [classifier(LABELS, 2), classifier(LABELS, 2, { zipMap: true })];
    const { spec, values } = await stored(mappingOf(zipped, { inputs, output: 'output_probability' }));
    expect(spec).toMatchObject({ outputs: LABELS, hasZipMap: true });
    expect(bits(values)).toEqual(bits(await direct(plain, { X: x }, 'output_probability')));
    expect(readGraph(zipped).hasZipMap).toBe(true);
    expect(readGraph(withoutZipMap(zipped)).hasZipMap).toBe(false);
  });

  test('classes are chosen by label, also by one that is a number', async () => {
    const bytes = classifier([10, 20, 30], 2, { zipMap: true });
    const mapping = mappingOf(bytes, { inputs, output: 'output_probability', classes: ['30', '10'] });
    const { spec, values } = await stored(mapping);
    expect(spec).toMatchObject({ outputs: ['30', '10'], picked: [2, 0] });
    const all = bits(await direct(classifier([10, 20, 30], 2), { X: x }, 'output_probability'));
    expect(bits(values)).toEqual(
      CATEGORIES.flatMap(() => COORDINATES).flatMap((_, row) => [all[3 * row + 2], all[3 * row]]),
    );
    const others = await stored({ ...mapping, classes: ['10', '30'] });
    expect(others.spec.identity).not.toBe(spec.identity);
  });

  test('several outputs lie side by side, whole numbers among them', async () => {
    const bytes = classifier([10, 20, 30], 2);
    const { spec, values } = await stored(mappingOf(bytes, { inputs, output: ['output_probability', 'output_label'] }));
    expect(spec).toMatchObject({ outputs: ['10', '20', '30', 'output_label'], perOutput: [3, 1] });
    const probabilities = await direct(bytes, { X: x }, 'output_probability');
    for (let row = 0; row < CATEGORIES.length * COORDINATES.length; row++) {
      const of = Array.from(probabilities.slice(3 * row, 3 * row + 3));
      const label = [10, 20, 30][of.indexOf(Math.max(...of))];
      expect(Array.from(values.slice(4 * row, 4 * row + 4))).toEqual([...of, label]);
    }
  });

  test('of doubles are rounded to the nearest float32', async () => {
    const bytes = exportedModel({
      inputs: [{ name: 'hour', type: 'DOUBLE', dims: ['N'] }],
      outputs: [{ name: 'y', type: 'DOUBLE', dims: ['N'] }],
      nodes: [node('Cast', ['tenth'], ['double'], [castTo('DOUBLE')]), node('Add', ['hour', 'double'], ['y'])],
      constants: [floatsConstant('tenth', [1], [0.1])],
    });
    const { values } = await stored(mappingOf(bytes));
    const tenth = Math.fround(0.1);
    expect(Array.from(values.slice(0, 3))).toEqual([0, 6, 12].map((h) => Math.fround(h + tenth)));
  });
});

describe('refused is', () => {
  const opened = (mapping: ModelMapping) => OnnxModel.open(mapping, CATEGORIES);
  const matrixOf = (columns: unknown[]) => ({ float_input: { from: 'columns', columns } as never });

  test('a category outside the vocabulary, for itself', async () => {
    const vocabulary = ['a', 'c'];
    const inputs = matrixOf([{ from: 'category', as: 'index', vocabulary }, day]);
    const model = await opened(mappingOf(matrixRegressor(2), { inputs }));
    await expect(model.run(['a', 'b'])).rejects.toMatchObject({
      code: 'FW_MODEL_INPUT_VALUE',
      message: 'the category for input float_input: "b" is not in its vocabulary',
    });
    expect(await model.run(['a', 'c'])).toHaveLength(42);
    await model.release();
  });

  test('a whole number that float32 does not hold', async () => {
    const bytes = exportedModel({
      inputs: [{ name: 'day', type: 'INT64', dims: ['N'] }],
      outputs: [{ name: 'y', type: 'INT64', dims: ['N'] }],
      nodes: [node('Add', ['day', 'large'], ['y'])],
      constants: [integersConstant('large', [2 ** 24 - 3])],
    });
    await expect(opened(mappingOf(bytes))).rejects.toMatchObject({
      code: 'FW_VALUE_INEXACT',
      message: expect.stringContaining('output y gave 16777217'),
    });
  });

  test('one value too few', async () => {
    const bytes = exportedModel({
      inputs: [{ name: 'day', type: 'FLOAT', dims: ['N'] }],
      outputs: [{ name: 'y', type: 'FLOAT', dims: ['M'] }],
      nodes: [node('Slice', ['day', 'one', 'end'], ['y'])],
      constants: [integersConstant('one', [1]), integersConstant('end', [2 ** 31])],
    });
    await expect(opened(mappingOf(bytes))).rejects.toMatchObject({
      code: 'FW_MODEL_OUTPUT_SIZE',
      message: expect.stringContaining('output y gave 20 values for 21 cells'),
    });
  });

  test('a file that Git LFS has not fetched, and one that is cut off', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 5\n';
    await expect(opened(mappingOf(Buffer.from(pointer)))).rejects.toMatchObject({
      code: 'FW_MODEL_NOT_ONNX',
      message: expect.stringContaining('it is the pointer that Git LFS leaves'),
      next: 'Fetch the file itself: git lfs pull.',
    });
    const whole = classifier(['a', 'b'], 2, { zipMap: true });
    await expect(opened(mappingOf(whole.subarray(0, whole.length - 20)))).rejects.toMatchObject({
      code: 'FW_MODEL_NOT_ONNX',
    });
  });
});
