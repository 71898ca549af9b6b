import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellIndex } from '#shared/cache/grid';
import { OnnxModel } from '#shared/model/onnx-model';
import { BareGrid } from '../../../../scripts/src/bench/bare-grid';
import { categoryNames } from '../../../../scripts/src/bench/grid';
import {
  INPUTS,
  MODEL_KINDS,
  type ModelKind,
  OUTPUT,
  syntheticModel,
} from '../../../../scripts/src/bench/synthetic-models';
import { makeTempFolder, removeFolders } from '../../../support/servers/temp-folder';

jest.setTimeout(60_000);

const folder = makeTempFolder('synthetic');
afterAll(() => removeFolders(folder));

const axes = [
  { name: 'day', values: [0, 1, 2, 3, 4, 5, 6] },
  { name: 'hour', values: Array.from({ length: 24 }, (_, hour) => hour) },
];

async function open(kind: ModelKind): Promise<{ file: string; model: OnnxModel }> {
  const file = join(folder, `${kind}.onnx`);
  writeFileSync(file, syntheticModel(kind));
  const mapping = { name: kind, file, version: undefined, axes, inputs: {}, output: undefined, outputs: undefined };
  return { file, model: await OnnxModel.open(mapping, ['1']) };
}

test('category names have 30 bytes and are numbers', () => {
  const names = categoryNames(3);
  expect(names.map((name) => Buffer.byteLength(name))).toEqual([30, 30, 30]);
  expect(names.map(Number)).toEqual([1, 2, 3]);
});

describe.each(MODEL_KINDS)('%s', (kind) => {
  test('is the same file each time, and its inputs all matter', async () => {
    expect(Buffer.from(syntheticModel(kind))).toEqual(Buffer.from(syntheticModel(kind)));
    const { model } = await open(kind);
    expect(Object.keys(model.spec.inputs)).toEqual([...INPUTS]);
    expect(model.spec.outputs).toEqual([OUTPUT]);
    const values = await model.run(categoryNames(9_000).slice(-1).concat(categoryNames(1)));
    expect(new Set(values).size).toBeGreaterThan(50);
    expect(values.subarray(0, 168)).not.toEqual(values.subarray(168));
    await model.release();
  });

  /** The floor and the product compute the same; and so does every size of a call, to the last bit. */
  test('a row is the same bits whatever call computes it', async () => {
    const { file, model } = await open(kind);
    const names = categoryNames(20);
    const bare = await BareGrid.open(file);
    const alone = new Map<string, Float32Array>();
    for (const name of names) alone.set(name, Float32Array.from(await model.run([name])));
    for (let rows = 1; rows <= model.rowsPerCall; rows++) {
      for (let from = 0; from < names.length; from += rows) {
        const call = names.slice(from, from + rows);
        const values = await model.run(call);
        call.forEach((name, i) => {
          expect(values.subarray(i * 168, (i + 1) * 168)).toEqual(alone.get(name));
        });
      }
    }
    for (const [category, day, hour] of [
      [7, 3, 14],
      [20, 0, 0],
      [1, 6, 23],
    ] as const) {
      const cell = cellIndex(axes, { day, hour });
      const value = alone.get(names[category - 1] ?? '')?.[cell] ?? Number.NaN;
      // One prediction alone may take another path through a matrix product: equal to float32 precision.
      expect(await bare.one(day, hour, category)).toBeCloseTo(value, 5);
    }
    await model.release();
  });
});
