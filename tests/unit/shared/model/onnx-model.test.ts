import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { type Axis, cellCount, coordinatesOf } from '#shared/cache/grid';
import type { ErrorCode } from '#shared/errors';
import { OnnxModel, rowsPerCall } from '#shared/model/onnx-model';
import type { InputSource, ModelMapping } from '#shared/model/spec';
import {
  collapsedModel,
  halfPrecisionModel,
  type InputType,
  type LinearModel,
  linearAnswer,
  linearModel,
  numberReaderModel,
} from '../../../support/models';

const folder = mkdtempSync(join(tmpdir(), 'forewarm-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

const axes: Axis[] = [
  { name: 'day', values: [0, 1, 2] },
  { name: 'hour', values: [5, 7] },
];
const labels = { fire: 1, flood: 20 };
const category = { name: 'category', type: 'string', labels, unknownLabel: -1 } as const;
const plain: LinearModel = {
  inputs: [category, { name: 'day', type: 'int64' }, { name: 'hour', type: 'float', width: 1 }],
  bias: 0.25,
};

let files = 0;
function mappingOf(bytes: Uint8Array | string, more: Partial<ModelMapping> = {}): ModelMapping {
  files += 1;
  const file = join(folder, `${files}.onnx`);
  writeFileSync(file, bytes);
  return { name: 'calls', file, version: undefined, axes, inputs: {}, output: undefined, outputs: undefined, ...more };
}

/** Opens the model for as long as `use` takes. */
async function withModel<T>(
  mapping: ModelMapping,
  use: (model: OnnxModel) => Promise<T>,
  probe: readonly string[] = ['fire'],
): Promise<T> {
  const model = await OnnxModel.open(mapping, probe);
  try {
    return await use(model);
  } finally {
    await model.release();
  }
}

/** All values of these categories, row by row and cell by cell, as the graph defines them. */
function answers(model: LinearModel, categories: readonly string[], grid = axes): number[] {
  return categories.flatMap((name) =>
    Array.from({ length: cellCount(grid) }, (_, cell) => {
      const values = coordinatesOf(grid, cell);
      const coordinates = Object.fromEntries(grid.map((axis, i) => [axis.name, values[i] as number | string]));
      return linearAnswer(model, { ...coordinates, category: name });
    }).flat(),
  );
}

const refused = (code: ErrorCode, message: unknown) => expect.objectContaining({ code, message });

describe('values', () => {
  test.each<[InputType, Axis]>([
    ['int64', { name: 'x', values: [-3, 0, 4_000_001] }],
    ['int32', { name: 'x', values: [-3, 0, 65_537] }],
    ['float', { name: 'x', values: [-0.5, 0, 1.25] }],
    ['double', { name: 'x', values: [-0.5, 0, 1.25] }],
    ['string', { name: 'x', values: ['low', 'high', 'other'] }],
  ])('of an axis reach an input of type %s, as [N] and as [N, 1]', async (type, axis) => {
    for (const width of [undefined, 1]) {
      const x = { name: 'x', type, labels: { low: 3, high: 5 }, ...(width === undefined ? {} : { width }) };
      const model: LinearModel = { inputs: [category, x] };
      const values = await withModel(mappingOf(linearModel(model), { axes: [axis] }), (open) =>
        open.run(['flood', 'x']),
      );
      expect(Array.from(values)).toEqual(answers(model, ['flood', 'x'], [axis]));
    }
  });

  test('of one output, row by row', async () => {
    const values = await withModel(mappingOf(linearModel(plain)), (model) =>
      model.run(['fire', 'flood', 'unheard of']),
    );
    expect(Array.from(values)).toEqual(answers(plain, ['fire', 'flood', 'unheard of']));
  });

  test('of two outputs, which lie together', async () => {
    const model: LinearModel = { ...plain, outputs: 2 };
    await withModel(mappingOf(linearModel(model)), async (open) => {
      expect(open.spec.outputs).toEqual(['prediction_0', 'prediction_1']);
      expect(Array.from(await open.run(['flood']))).toEqual(answers(model, ['flood']));
    });
  });

  test('of a constant and of inputs that are named otherwise', async () => {
    const model: LinearModel = {
      inputs: [
        { ...category, name: 'station' },
        { name: 'weekday', type: 'int32' },
        { name: 'load', type: 'float' },
      ],
    };
    const inputs: Record<string, InputSource> = {
      station: { from: 'category' },
      weekday: { from: 'axis', axis: 'day' },
      load: { from: 'constant', value: 2.5 },
    };
    const values = await withModel(mappingOf(linearModel(model), { inputs }), (open) => open.run(['flood']));
    const expected = [0, 0, 1, 1, 2, 2].flatMap((weekday) =>
      linearAnswer(model, { station: 'flood', weekday, load: 2.5 }),
    );
    expect(Array.from(values)).toEqual(expected);
  });

  test('stay those of their row when calls of other sizes came before', async () => {
    await withModel(mappingOf(linearModel(plain)), async (model) => {
      const [all, last] = [await model.run(['fire', 'flood', 'x']), await model.run(['flood'])];
      expect(Array.from(all)).toEqual(answers(plain, ['fire', 'flood', 'x']));
      expect(Array.from(last)).toEqual(answers(plain, ['flood']));
    });
  });

  test('that are not finite are returned: who stores them judges', async () => {
    const model: LinearModel = { ...plain, poison: { input: 'day', equals: 1 } };
    const values = await withModel(mappingOf(linearModel(model)), (open) => open.run(['fire']));
    expect(Array.from(values, Number.isNaN)).toEqual([false, false, true, true, false, false]);
  });
});

describe('what a file turns out to be', () => {
  test('is told by its bytes, its mapping and its graph', async () => {
    const bytes = linearModel(plain);
    const spec = await withModel(mappingOf(bytes), async (model) => model.spec);
    const fileSha256 = createHash('sha256').update(bytes).digest('hex');
    expect(spec).toMatchObject({
      fileSha256,
      fileBytes: bytes.length,
      generation: spec.identity.slice(0, 12),
      modelVersion: fileSha256.slice(0, 12),
      inputs: {
        category: { from: 'category' },
        day: { from: 'axis', axis: 'day' },
        hour: { from: 'axis', axis: 'hour' },
      },
      output: 'prediction',
      outputs: ['prediction'],
      graph: {
        inputs: [
          { name: 'category', type: 'string', shape: ['N'] },
          { name: 'day', type: 'int64', shape: ['N'] },
          { name: 'hour', type: 'float32', shape: ['N', 1] },
        ],
        outputs: [{ name: 'prediction', type: 'float32', shape: ['N', 1] }],
      },
    });
  });

  test('depends on the bytes and not on the place of the file; a version is only shown', async () => {
    const specOf = (bytes: Uint8Array, more: Partial<ModelMapping> = {}) =>
      withModel(mappingOf(bytes, more), async (model) => model.spec);
    const first = await specOf(linearModel(plain));
    const moved = await specOf(linearModel(plain), { version: 'spring' });
    const retrained = await specOf(linearModel({ ...plain, note: 'again' }));
    expect([moved.identity, moved.modelVersion]).toEqual([first.identity, 'spring']);
    expect(retrained.identity).not.toBe(first.identity);
  });

  test('can be opened again as it was found', async () => {
    const found = await withModel(mappingOf(linearModel({ ...plain, outputs: 2 })), async (model) => model.spec);
    // What a row costs is measured anew.
    expect(found.rowMs).toBeGreaterThan(0);
    expect(await withModel(found, async (model) => model.spec)).toEqual({ ...found, rowMs: expect.any(Number) });
  });
});

test('a category that the model refuses does not keep it from being tried on the next', async () => {
  const mapping = mappingOf(numberReaderModel());
  const model = await OnnxModel.open(mapping, ['none', '7']);
  expect(Array.from(await model.run(['8']))).toEqual([8, 8, 8, 8, 8, 8]);
  await model.release();
  await expect(OnnxModel.open(mapping, ['none', 'other'])).rejects.toEqual(
    refused(
      'FW_INFERENCE_FAILED',
      expect.stringMatching(/the runtime refused a run: .* \(tried with "none", "other"\)$/),
    ),
  );
});

test('a model that is loaded again is not tried, and has to be the same file', async () => {
  const mapping = mappingOf(numberReaderModel());
  const spec = await withModel(mapping, async (model) => model.spec, ['7']);
  const again = await OnnxModel.reopen(spec);
  expect(again.spec).toEqual(spec);
  expect(Array.from(await again.run(['8']))).toEqual([8, 8, 8, 8, 8, 8]);
  await again.release();
  writeFileSync(mapping.file, linearModel(plain));
  await expect(OnnxModel.reopen(spec)).rejects.toEqual(
    refused('FW_MODEL_CHANGED', expect.stringContaining(`generation ${spec.generation}`)),
  );
});

test.each([
  [1, 2_688],
  [168, 16],
  [1_344, 2],
  [1_345, 1],
  [100_000, 1],
])('a call has rows of %i cells: %i of them', (cells, rows) => {
  expect(rowsPerCall(cells)).toBe(rows);
});

test('a row that fills a call by itself is tried alone', async () => {
  const long = [{ name: 'day', values: Array.from({ length: 3_000 }, (_, i) => i) }];
  const model: LinearModel = { inputs: [category, { name: 'day', type: 'int64' }] };
  await withModel(mappingOf(linearModel(model), { axes: long }), async (open) => {
    expect(open.rowsPerCall).toBe(1);
    expect(Array.from(await open.run(['flood']))).toEqual(answers(model, ['flood'], long));
  });
});

describe('refused is', () => {
  const opened = (mapping: ModelMapping) => OnnxModel.open(mapping, ['fire']);

  test('a file that is not there', async () => {
    const file = join(folder, 'absent.onnx');
    await expect(opened({ ...mappingOf(''), file })).rejects.toEqual(
      refused('FW_MODEL_FILE_MISSING', `models.calls.file: ${file} does not exist`),
    );
  });

  test('a folder', async () => {
    await expect(opened({ ...mappingOf(''), file: folder })).rejects.toEqual(
      refused('FW_MODEL_FILE_MISSING', expect.stringMatching(/^models\.calls\.file: .* cannot be read: .*EISDIR: /)),
    );
  });

  test.each([
    ['an empty file', ''],
    ['text', 'This is not the model that you are looking for.\n'],
    ['half a model', linearModel(plain).subarray(0, 200)],
  ])('%s', async (_, bytes) => {
    const mapping = mappingOf(bytes);
    const beginning = `models.calls.file: ${mapping.file} (${bytes.length} bytes) is not a model that the runtime can load: `;
    await expect(opened(mapping)).rejects.toEqual(refused('FW_MODEL_NOT_ONNX', expect.stringContaining(beginning)));
  });

  test('a model of an operator set that is too new, in one line', async () => {
    const model = onnx.ModelProto.decode(linearModel(plain));
    for (const set of model.opsetImport) set.version = 99;
    await expect(opened(mappingOf(onnx.ModelProto.encode(model).finish()))).rejects.toEqual(
      refused('FW_MODEL_NOT_ONNX', expect.stringMatching(/^[^\n]*Opset 99[^\n]*[^\s]$/)),
    );
  });

  test('an output of text, with what to do about it', async () => {
    const bytes = linearModel({ ...plain, outputType: 'string' });
    await expect(opened(mappingOf(bytes))).rejects.toEqual(
      expect.objectContaining({
        code: 'FW_MODEL_TYPE_UNSUPPORTED',
        message: 'models.calls: output prediction has type string; supported are float32, float64, int64, int32, bool',
        next: 'Export this output as float or double, or set models.calls.output to another one.',
      }),
    );
  });

  test('an input of half precision', async () => {
    const inputs: Record<string, InputSource> = { x: { from: 'axis', axis: 'day' } };
    await expect(opened(mappingOf(halfPrecisionModel('x'), { inputs }))).rejects.toEqual(
      refused('FW_MODEL_TYPE_UNSUPPORTED', expect.stringContaining('input x has type float16; supported are int64,')),
    );
  });

  test('an input of several columns', async () => {
    const model: LinearModel = { inputs: [category, { name: 'day', type: 'int64', width: 2 }] };
    await expect(opened(mappingOf(linearModel(model)))).rejects.toEqual(
      refused(
        'FW_MODEL_SHAPE_UNSUPPORTED',
        'models.calls: input day has shape [N, 2], which takes 2 columns; it is given 1',
      ),
    );
  });

  test('an input that nothing provides', async () => {
    const model: LinearModel = { inputs: [...plain.inputs, { name: 'minute', type: 'int64' }] };
    await expect(opened(mappingOf(linearModel(model)))).rejects.toEqual(
      refused(
        'FW_MODEL_INPUT_UNMAPPED',
        'models.calls: nothing provides the model input minute; the axes are day, hour',
      ),
    );
  });

  test('a mapping of an input that is not there', async () => {
    const inputs: Record<string, InputSource> = { minute: { from: 'constant', value: 0 } };
    await expect(opened(mappingOf(linearModel(plain), { inputs }))).rejects.toEqual(
      refused('FW_MODEL_INPUT_UNKNOWN', expect.stringContaining('it has category, day, hour')),
    );
  });

  test('an axis value that the type of its input does not hold', async () => {
    const fractions = [{ name: 'day', values: [0.5] }, ...axes.slice(1)];
    await expect(opened(mappingOf(linearModel(plain), { axes: fractions }))).rejects.toEqual(
      refused('FW_MODEL_INPUT_VALUE', expect.stringContaining('models.calls.axes.day for input day: 0.5')),
    );
  });

  test('an output that is not there', async () => {
    await expect(opened(mappingOf(linearModel(plain), { output: 'mean' }))).rejects.toEqual(
      refused('FW_MODEL_OUTPUT_UNKNOWN', 'models.calls.output: no output is named mean; it has prediction (float32)'),
    );
  });

  test('a model that gives one value for all rows', async () => {
    await expect(opened(mappingOf(collapsedModel(plain)))).rejects.toEqual(
      refused('FW_MODEL_OUTPUT_SIZE', expect.stringContaining('output prediction gave 1 values for 6 cells')),
    );
  });

  test('such a model also when a row has one cell', async () => {
    const one = [{ name: 'day', values: [1] }];
    const model: LinearModel = { inputs: [category, { name: 'day', type: 'int64' }] };
    await expect(opened(mappingOf(collapsedModel(model), { axes: one }))).rejects.toEqual(
      refused('FW_MODEL_OUTPUT_SIZE', expect.stringContaining('output prediction gave 1 values for 2 cells')),
    );
  });

  test.each([[['low']], [['low', 'mid', 'high']]])('another number of names than values: %j', async (outputs) => {
    await expect(opened(mappingOf(linearModel({ ...plain, outputs: 2 }), { outputs }))).rejects.toEqual(
      refused(
        'FW_MODEL_OUTPUT_SIZE',
        `models.calls.outputs names ${outputs.length} values, but prediction gives 2 per cell`,
      ),
    );
  });
});
