import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeRow } from '#shared/cache/row';
import { TestSystem } from '../support/system';

/** Models that others have exported, through a whole daemon: each row has the bits of a direct run of the runtime. */

jest.setTimeout(60_000);

const AGES = [1, 22, 35.5, 80];
const FARES = [7.25, 71.2833];
const WIDTHS = [-2.5, 0.1, 3];
const HEIGHTS = [-1, 0.75, 2.25];
/** By passenger: class, sex, port. */
const PASSENGERS: Record<string, readonly [number, string, string]> = {
  'Braund, Mr. Owen': [3, 'male', 'S'],
  'Cumings, Mrs. John': [1, 'female', 'C'],
  'Moran, Mr. James': [3, 'male', 'missing'],
};
const TABLE = Object.entries(PASSENGERS).map(
  ([name, [pclass, sex, embarked]]) => `"${name}",${pclass},${sex},${embarked}`,
);

const titanic = {
  axes: { age: AGES, fare: FARES },
  categories: Object.keys(PASSENGERS),
  inputs: { pclass: { feature: 'pclass' }, sex: { feature: 'sex' }, embarked: { feature: 'embarked' } },
  features: { file: 'passengers.csv', column: 'name' },
};
const iris = {
  axes: { width: WIDTHS, height: HEIGHTS },
  categories: ['all'],
  inputs: { input: [{ axis: 'width' }, { axis: 'height' }] },
  output: 'output_probability',
};

const cells = (first: readonly number[], second: readonly number[]) =>
  first.flatMap((a) => second.map((b) => [a, b] as const));
function titanicFeeds(category: string, textual: boolean): Record<string, Tensor> {
  const grid = cells(AGES, FARES);
  const shape = [grid.length, 1];
  const [pclass, sex, embarked] = PASSENGERS[category] ?? [0, '', ''];
  const texts = (text: string) =>
    new Tensor(
      'string',
      grid.map(() => text),
      shape,
    );
  const whole = new Tensor(
    'int64',
    BigInt64Array.from(grid, () => BigInt(pclass)),
    shape,
  );
  return {
    pclass: textual ? texts(String(pclass)) : whole,
    ...{ sex: texts(sex), embarked: texts(embarked) },
    age: new Tensor(
      'float32',
      Float32Array.from(grid, ([age]) => age),
      shape,
    ),
    fare: new Tensor(
      'float32',
      Float32Array.from(grid, ([, fare]) => fare),
      shape,
    ),
  };
}
function irisFeeds(): Record<string, Tensor> {
  const grid = cells(WIDTHS, HEIGHTS);
  return { input: new Tensor('float32', Float32Array.from(grid.flat()), [grid.length, 2]) };
}

interface PublicModel {
  readonly settings: object;
  readonly classes: readonly string[];
  readonly feeds: (category: string) => Record<string, Tensor>;
}
const MODELS: Record<string, PublicModel> = {
  titanic: {
    settings: { ...titanic, output: 'probabilities' },
    classes: ['0', '1'],
    feeds: (category) => titanicFeeds(category, false),
  },
  'titanic-zipmap': {
    settings: { ...titanic, output: 'output_probability' },
    classes: ['0', '1'],
    feeds: (category) => titanicFeeds(category, true),
  },
  'iris-lightgbm': { settings: iris, classes: ['0', '1', '2'], feeds: irisFeeds },
  'iris-xgboost': { settings: iris, classes: ['0', '1', '2'], feeds: irisFeeds },
};

const bytesOf = (name: string) => readFileSync(join(__dirname, '../public-models', `${name}.onnx`));

/** The file with the tensor of probabilities as its only output, and the name of that: the runtime cannot return what ZipMap makes of it. */
function returning(bytes: Buffer): { bytes: Uint8Array; output: string } {
  const model = onnx.ModelProto.decode(bytes);
  const zipMap = model.graph?.node?.find(({ opType }) => opType === 'ZipMap');
  const output = zipMap?.input?.[0] ?? 'probabilities';
  const tensorType = { elemType: onnx.TensorProto.DataType.FLOAT };
  if (model.graph) {
    model.graph.output = [onnx.ValueInfoProto.create({ name: output, type: { tensorType } })];
    model.graph.node = (model.graph.node ?? []).filter((node) => node !== zipMap);
  }
  return { bytes: onnx.ModelProto.encode(model).finish(), output };
}

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.stop());

test('pipelines of scikit-learn, LightGBM and XGBoost answer from the cache what they answer directly', async () => {
  system.write('passengers.csv', `name,pclass,sex,embarked\n${TABLE.join('\n')}\n`);
  const models = Object.entries(MODELS).map(([name, { settings }]) => {
    system.write(`${name}.onnx`, bytesOf(name));
    return [name, { file: `${name}.onnx`, every: '1h', ...settings }] as const;
  });
  system.configure(Object.fromEntries(models));
  const daemon = system.daemon();
  for (const [name, { settings, classes, feeds }] of Object.entries(MODELS)) {
    await daemon.logged(({ message, model }) => message === 'cycle complete' && model === name);
    const pointer = await system.cache(name).pointer();
    expect(pointer?.outputs).toEqual(classes);
    const { categories } = settings as { categories: string[] };
    const rows = await system.rows(pointer?.generation ?? '', categories, name);
    const { bytes, output } = returning(bytesOf(name));
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    for (const category of categories) {
      const answer = (await session.run(feeds(category), [output]))[output];
      const decoded = decodeRow(rows.get(category) ?? Buffer.alloc(0));
      expect(decoded.ok && decoded.row.values).toEqual(answer?.data);
    }
    await session.release();
  }
});
