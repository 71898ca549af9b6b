import { join } from 'node:path';
import { loadConfig } from '#shared/config/load';
import { OnnxModel } from '#shared/model/onnx-model';
import type { ModelMapping } from '#shared/model/spec';

const CELLS = 168;

let mapping: ModelMapping;
let categories: readonly string[];
let model: OnnxModel;

beforeAll(async () => {
  const config = loadConfig({ path: join(__dirname, '../../../../forewarm.yaml'), environment: {} });
  const [sample] = config.models;
  if (sample === undefined) throw new Error('the sample configuration has no model');
  mapping = sample;
  categories = sample.categories;
  model = await OnnxModel.open(mapping, categories.slice(0, 1));
});
afterAll(() => model.release());

const bitsOf = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');

test('the sample answers bit for bit the same in calls of 1, 2 and 16 categories', async () => {
  const rows = new Map<string, string>();
  for (const category of categories) rows.set(category, bitsOf(await model.run([category])));
  expect(rows.size).toBe(110);
  expect(new Set(rows.values()).size).toBeGreaterThan(100);
  for (const size of [2, 16]) {
    for (let from = 0; from < categories.length; from += size) {
      const call = categories.slice(from, from + size);
      const values = await model.run(call);
      call.forEach((category, i) => {
        expect(bitsOf(values.subarray(i * CELLS, (i + 1) * CELLS))).toBe(rows.get(category));
      });
    }
  }
});

test('another session answers the same', async () => {
  const other = await OnnxModel.open(mapping, ['somewhere']);
  try {
    const call = categories.slice(0, 16);
    expect(bitsOf(await other.run(call))).toBe(bitsOf(await model.run(call)));
    expect(other.spec.identity).toBe(model.spec.identity);
  } finally {
    await other.release();
  }
});

test('16 rows of the sample go into one call', () => {
  expect(model.rowsPerCall).toBe(16);
});
