import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeRow } from '#shared/cache/row';
import {
  attribute,
  castTo,
  classifier,
  exportedModel,
  floatsConstant,
  matrixRegressor,
  node,
} from '../support/exported-models';
import { TestSystem } from '../support/system';

/** Models of every signature through a whole daemon: each row in Redis and PostgreSQL has the bits of a direct run. */

jest.setTimeout(60_000);

const DAYS = [0, 1, 2];
const HOURS = [0, 6, 12, 18];
const CELLS = DAYS.flatMap((day) => HOURS.map((hour) => [day, hour] as const));
const CATEGORIES = ['b', 'a', 'c'];
const VOCABULARY = ['a', 'b', 'c', 'never asked'];
const AXES = { day: DAYS, hour: HOURS };
const COLUMNS = [{ axis: 'day' }, { axis: 'hour' }, { category: 'index', vocabulary: VOCABULARY }];

interface Case {
  readonly bytes: Uint8Array;
  readonly settings: Record<string, unknown>;
  readonly outputs: readonly string[];
  /** What the runtime itself says of one category: the values of its cells. */
  readonly direct: (session: InferenceSession, category: string) => Promise<ArrayLike<number>>;
  /** In place of the file, where the runtime cannot return what it gives. */
  readonly directBytes?: Uint8Array;
}

const matrixOf = (category: string) =>
  Float32Array.from(CELLS.flatMap(([day, hour]) => [day, hour, VOCABULARY.indexOf(category)]));
const run = async (session: InferenceSession, feeds: Record<string, Tensor>, output: string) =>
  ((await session.run(feeds, [output]))[output] as Tensor).data as unknown as ArrayLike<number>;

const LABELS = ['fire', 'flood', 'crash'];
const CASES: Record<string, Case> = {
  matrix: {
    bytes: matrixRegressor(3),
    settings: { inputs: { float_input: COLUMNS } },
    outputs: ['variable'],
    direct: (session, category) =>
      run(session, { float_input: new Tensor('float32', matrixOf(category), [CELLS.length, 3]) }, 'variable'),
  },
  'fixed-batch': {
    bytes: matrixRegressor(3, { batch: 5, targets: 2 }),
    settings: { inputs: { float_input: COLUMNS }, outputs: ['low', 'high'] },
    outputs: ['low', 'high'],
    async direct(session, category) {
      const all = matrixOf(category);
      const values: number[] = [];
      for (let cell = 0; cell < CELLS.length; cell++) {
        // Of five rows alike the first one counts.
        const five = Float32Array.from({ length: 15 }, (_, i) => all[3 * cell + (i % 3)] ?? 0);
        const answer = await run(session, { float_input: new Tensor('float32', five, [5, 3]) }, 'variable');
        values.push(answer[0] as number, answer[1] as number);
      }
      return values;
    },
  },
  'zip-map': {
    bytes: classifier(LABELS, 3, { zipMap: true }),
    directBytes: classifier(LABELS, 3),
    settings: { inputs: { X: COLUMNS }, output: 'output_probability', classes: ['flood', 'fire'] },
    outputs: ['flood', 'fire'],
    async direct(session, category) {
      const feeds = { X: new Tensor('float32', matrixOf(category), [CELLS.length, 3]) };
      const all = await run(session, feeds, 'output_probability');
      return CELLS.flatMap((_, cell) => [all[3 * cell + 1] as number, all[3 * cell] as number]);
    },
  },
  texts: {
    bytes: exportedModel({
      inputs: ['category', 'hour'].map((name) => ({ name, type: 'STRING', dims: ['N', 1] })),
      outputs: [{ name: 'y', type: 'FLOAT', dims: ['N', 1] }],
      nodes: [
        ...['category', 'hour'].map((name) =>
          node(
            'LabelEncoder',
            [name],
            [`${name}_number`],
            [
              attribute.texts('keys_strings', ['a', 'b', 'c', '6', '12', '18']),
              attribute.floats('values_floats', [0.1, 0.2, 0.3, 6, 12, 18]),
              attribute.float('default_float', 0),
            ],
          ),
        ),
        node('Mul', ['category_number', 'hour_number'], ['y']),
      ],
    }),
    settings: {},
    outputs: ['y'],
    direct(session, category) {
      const texts = (of: readonly string[]) => new Tensor('string', [...of], [CELLS.length, 1]);
      const feeds = { category: texts(CELLS.map(() => category)), hour: texts(CELLS.map(([, hour]) => String(hour))) };
      return run(session, feeds, 'y');
    },
  },
  doubles: {
    bytes: exportedModel({
      inputs: ['day', 'hour'].map((name) => ({ name, type: 'DOUBLE', dims: ['N'] })),
      outputs: [{ name: 'y', type: 'DOUBLE', dims: ['N'] }],
      nodes: [
        node('Cast', ['third'], ['double'], [castTo('DOUBLE')]),
        node('Mul', ['hour', 'double'], ['part']),
        node('Add', ['day', 'part'], ['y']),
      ],
      constants: [floatsConstant('third', [1], [1 / 3])],
    }),
    settings: {},
    outputs: ['y'],
    direct(session) {
      const column = (axis: 0 | 1) =>
        new Tensor(
          'float64',
          Float64Array.from(CELLS, (cell) => cell[axis]),
          [CELLS.length],
        );
      return run(session, { day: column(0), hour: column(1) }, 'y');
    },
  },
};

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.stop());

test('five kinds of models are computed, stored and read as the runtime answers them', async () => {
  const models = Object.entries(CASES).map(([name, { bytes, settings }]) => {
    system.write(`${name}.onnx`, bytes);
    return [name, { file: `${name}.onnx`, axes: AXES, categories: CATEGORIES, every: '1h', ...settings }] as const;
  });
  system.configure(Object.fromEntries(models));
  const daemon = system.daemon();
  for (const [name, { bytes, directBytes, outputs, direct }] of Object.entries(CASES)) {
    await daemon.logged(({ message, model }) => message === 'cycle complete' && model === name);
    const pointer = await system.cache(name).pointer();
    expect(pointer?.outputs).toEqual(outputs);
    const generation = pointer?.generation ?? '';
    const cached = await system.rows(generation, CATEGORIES, name);
    const durable = await system.durableRows(generation, CATEGORIES, name);
    const session = await InferenceSession.create(directBytes ?? bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
    for (const category of CATEGORIES) {
      const bits = (values: ArrayLike<number>) => Buffer.from(Float32Array.from(values).buffer).toString('hex');
      const row = cached.get(category) ?? Buffer.alloc(0);
      const decoded = decodeRow(row);
      const stored = decoded.ok ? decoded.row.values : [];
      expect(`${name} ${category} ${bits(stored)}`).toBe(
        `${name} ${category} ${bits(await direct(session, category))}`,
      );
      expect(durable.get(category)).toEqual(row);
    }
    await session.release();
  }
});
