import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { collapsedModel, halfPrecisionModel, type LinearModel, linearAnswer, linearModel } from '../../support/models';

const spec: LinearModel = {
  inputs: [
    { name: 'category', type: 'string', labels: { fire: 1, flood: 2 }, unknownLabel: -1 },
    { name: 'day', type: 'int64' },
    { name: 'hour', type: 'int32', width: 1 },
    { name: 'place', type: 'double', width: 2 },
    { name: 'load', type: 'float' },
  ],
  outputs: 2,
  bias: 0.5,
};
const rowOf = (category: string) => ({ category, day: 3n, hour: 5, place: [0.5, -2], load: 1.5 });

async function run(model: Uint8Array, categories: string[]): Promise<{ dims: readonly number[]; values: number[] }> {
  const size = categories.length;
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const { prediction } = await session.run({
    category: new Tensor('string', categories, [size]),
    day: new Tensor('int64', new BigInt64Array(size).fill(3n), [size]),
    hour: new Tensor('int32', new Int32Array(size).fill(5), [size, 1]),
    place: new Tensor(
      'float64',
      Float64Array.from({ length: 2 * size }, (_, i) => (i % 2 === 0 ? 0.5 : -2)),
      [size, 2],
    ),
    load: new Tensor('float32', new Float32Array(size).fill(1.5), [size]),
  });
  await session.release();
  return { dims: prediction?.dims ?? [], values: Array.from(prediction?.data as Float32Array) };
}

// Shows too that native modules accept the typed arrays of a test file (tests/support/jest/environment.cjs).
test('a linear model answers what linearAnswer says, for every element type', async () => {
  const categories = ['fire', 'flood', 'unheard of'];

  const { dims, values } = await run(linearModel(spec), categories);

  expect(dims).toEqual([3, 2]);
  const expected = categories.flatMap((category) => linearAnswer(spec, rowOf(category)));
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 4);
  expect(new Set(expected).size).toBe(6);
});

test.each([
  ['category', 'flood'],
  ['day', 3],
  ['hour', 5],
  ['place', 0.5],
])('poison in the rows where %s is %s', async (input, equals) => {
  const { values } = await run(linearModel({ ...spec, poison: { input, equals } }), ['fire', 'flood']);

  expect(values.slice(2)).toEqual([Number.NaN, Number.NaN]);
  expect(values.slice(0, 2).every(Number.isNaN)).toBe(input !== 'category');
});

test('a slow model is slow only when told to be, and answers the same', async () => {
  const slow = linearModel({ ...spec, slow: { iterations: 30_000, when: { input: 'category', equals: 'flood' } } });
  const timed = async (category: string) => {
    const started = performance.now();
    await run(slow, [category]);
    return performance.now() - started;
  };

  expect((await timed('flood')) / (await timed('fire'))).toBeGreaterThan(3);
  expect(await run(slow, ['flood'])).toEqual(await run(linearModel(spec), ['flood']));
});

/** Crashes are of processes: these are run by one of their own. */
function killedBy(model: Uint8Array, category: string): NodeJS.Signals | null {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-model-'));
  const file = join(folder, 'model.onnx');
  writeFileSync(file, model);
  const program = `const { InferenceSession, Tensor } = require('onnxruntime-node');
    InferenceSession.create(process.argv[1], { intraOpNumThreads: 1 })
      .then((session) => session.run({ category: new Tensor('string', [process.argv[2]], [1]) }));`;
  const { signal } = spawnSync(process.execPath, ['-e', program, file, category], { cwd: __dirname });
  rmSync(folder, { recursive: true });
  return signal;
}

const onX64 = process.arch === 'x64' ? test : test.skip;

onX64('a model that crashes kills its process, when it is loaded or for some categories alone', () => {
  const inputs = [{ name: 'category', type: 'string' as const, labels: { fire: 1 } }];
  const when = { input: 'category', equals: ['flood', 'storm'] };
  expect(killedBy(linearModel({ inputs, crash: 'load' }), 'fire')).toBe('SIGFPE');
  expect(killedBy(linearModel({ inputs, crash: { when } }), 'flood')).toBe('SIGFPE');
  expect(killedBy(linearModel({ inputs, crash: { when } }), 'fire')).toBe(null);
});

test('models with faults', async () => {
  expect((await run(collapsedModel(spec), ['fire', 'flood'])).dims).toEqual([1]);
  const half = await InferenceSession.create(halfPrecisionModel('x'));
  expect(half.inputMetadata).toEqual([{ name: 'x', isTensor: true, type: 'float16', shape: ['N'] }]);
  await half.release();
});

test('a note changes the bytes and nothing else', () => {
  expect(linearModel({ ...spec, note: 'second' })).not.toEqual(linearModel(spec));
});
