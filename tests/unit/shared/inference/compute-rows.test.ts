import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRow } from '#shared/cache/row';
import { type ComputedRows, computeRows } from '#shared/inference/compute-rows';
import { OnnxModel } from '#shared/model/onnx-model';
import { rowFrame } from '#shared/model/spec';
import { type LinearModel, linearAnswer, linearModel, numberReaderModel } from '../../../support/models';

const folder = mkdtempSync(join(tmpdir(), 'forewarm-compute-'));
const opened: OnnxModel[] = [];
afterAll(async () => {
  for (const model of opened) await model.release();
  rmSync(folder, { recursive: true });
});

const HOURS = [0, 1, 2];
const many = Array.from({ length: 2_000 }, (_, i) => `c${i}`);
const labels = Object.fromEntries(many.map((name, i) => [name, i]));
const linear: LinearModel = {
  inputs: [
    { name: 'category', type: 'string', labels, unknownLabel: -1 },
    { name: 'hour', type: 'int64' },
  ],
};

async function open(model: LinearModel | Uint8Array, probe = 'c0'): Promise<OnnxModel> {
  const file = join(folder, `${opened.length}.onnx`);
  writeFileSync(file, model instanceof Uint8Array ? model : linearModel(model));
  const axes = [{ name: 'hour', values: HOURS }];
  const mapping = { name: 'calls', file, version: undefined, axes, inputs: {}, output: undefined, outputs: undefined };
  const loaded = await OnnxModel.open(mapping, [probe]);
  opened.push(loaded);
  return loaded;
}

/** The model, but the runtime refuses every call in which `guilty` takes part. */
function refusing(model: OnnxModel, guilty: string): { readonly model: OnnxModel; readonly calls: number[] } {
  const calls: number[] = [];
  const run = async (categories: readonly string[]) => {
    calls.push(categories.length);
    if (categories.includes(guilty)) throw new Error('Non-zero status code returned while running node');
    return model.run(categories);
  };
  return { model: { spec: model.spec, rowsPerCall: model.rowsPerCall, run } as unknown as OnnxModel, calls };
}

const expected = (model: LinearModel, category: string) =>
  HOURS.flatMap((hour) => linearAnswer(model, { category, hour }));

/** The values of each row, after its bytes have passed every check for this model. */
function valuesOf(model: OnnxModel, { rows }: ComputedRows): Record<string, number[]> {
  return Object.fromEntries(
    rows.map(({ category, bytes, computedAtMs }) => {
      const decoded = decodeRow(bytes, rowFrame(model.spec));
      if (!decoded.ok) throw new Error(`the row of ${category} is refused: ${decoded.fault}`);
      expect(decoded.row.computedAtMs).toBe(computedAtMs);
      return [category, Array.from(decoded.row.values)];
    }),
  );
}

test('every category gets its row, over several calls of the runtime', async () => {
  const model = await open(linear);
  expect(model.rowsPerCall).toBe(896);
  const computed = await computeRows(model, many, () => 1_700_000_000_000);
  expect(computed.failures).toEqual([]);
  expect(computed.rows.map((row) => row.category)).toEqual(many);
  const values = valuesOf(model, computed);
  for (const category of many) expect(values[category]).toEqual(expected(linear, category));
});

test('rows carry the time at which their call ended', async () => {
  const model = await open(linear);
  let now = 1_000;
  const { rows } = await computeRows(model, many, () => now++);
  expect([rows[0], rows[895], rows[896], rows[1_999]].map((row) => row?.computedAtMs)).toEqual([
    1_000, 1_000, 1_001, 1_002,
  ]);
});

test('no category, no row', async () => {
  const computed = await computeRows(await open(linear), [], () => 0);
  expect(computed).toEqual({ rows: [], failures: [], featuresMs: 0, inferMs: 0, packMs: 0 });
});

test.each([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])('a category with %s fails alone', async (name, value) => {
  const poisoned: LinearModel = { ...linear, poison: { input: 'category', equals: 'c5', value } };
  const model = await open(poisoned);
  const computed = await computeRows(model, many.slice(0, 10), () => 0);
  expect(computed.failures).toEqual([
    { category: 'c5', code: 'FW_VALUE_NOT_FINITE', message: `prediction at hour=0 is ${name}`, position: 0 },
  ]);
  const values = valuesOf(model, computed);
  expect(Object.keys(values)).toEqual(many.slice(0, 10).filter((category) => category !== 'c5'));
  for (const [category, row] of Object.entries(values)) expect(row).toEqual(expected(linear, category));
});

test('one cell that is not finite fails its whole row, and is named', async () => {
  const model = await open({ ...linear, poison: { input: 'hour', equals: 2 } });
  const computed = await computeRows(model, ['c1', 'c2'], () => 0);
  expect(computed.rows).toEqual([]);
  expect(computed.failures.map((failure) => failure.message)).toEqual([
    'prediction at hour=2 is NaN',
    'prediction at hour=2 is NaN',
  ]);
});

test('a category that the runtime refuses fails alone, with what the runtime says', async () => {
  const model = await open(numberReaderModel(), '0');
  const computed = await computeRows(model, ['1.5', 'two', '-3'], () => 0);
  expect(computed.failures).toEqual([
    {
      category: 'two',
      code: 'FW_INFERENCE_FAILED',
      message: expect.stringMatching(/^models\.calls: the runtime refused a run: .+/),
    },
  ]);
  expect(valuesOf(model, computed)).toEqual({ '1.5': [1.5, 1.5, 1.5], '-3': [-3, -3, -3] });
});

test('a call that is refused is done again one by one', async () => {
  const model = await open(linear);
  const { model: picky, calls } = refusing(model, 'c2');
  const computed = await computeRows(picky, ['c0', 'c1', 'c2', 'c3'], () => 0);
  expect(computed.failures).toEqual([
    { category: 'c2', code: 'FW_INFERENCE_FAILED', message: 'Non-zero status code returned while running node' },
  ]);
  expect(calls).toEqual([4, 1, 1, 1, 1]);
  const values = valuesOf(model, computed);
  expect(Object.keys(values)).toEqual(['c0', 'c1', 'c3']);
  for (const [category, row] of Object.entries(values)) expect(row).toEqual(expected(linear, category));
});

test('only the call with the guilty category is taken apart', async () => {
  const { model, calls } = refusing(await open(linear), 'c1000');
  const computed = await computeRows(model, many, () => 0);
  expect(computed.failures.map((failure) => failure.category)).toEqual(['c1000']);
  expect(computed.rows).toHaveLength(1_999);
  expect(calls.filter((size) => size > 1)).toEqual([896, 896, 208]);
  expect(calls).toHaveLength(3 + 896);
});
