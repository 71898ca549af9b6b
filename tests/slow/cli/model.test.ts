import { join } from 'node:path';
import { parse } from 'yaml';
import { classifier, matrixRegressor } from '../../support/exported-models';
import { smallModel, TestSystem } from '../../support/system';
import { killHung, say } from './command';

/** `forewarm model`: what a file has, a configuration that runs, and a row without any server. */

jest.setTimeout(60_000);

const SAMPLE = join(__dirname, '../../../samples/montco911/model.onnx');

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
});
afterEach(killHung);
afterAll(() => system.stop());

const model = (...args: string[]) => say(['model', ...args], system.folder);

test('inspect proposes a configuration for a classifier of scikit-learn, which is valid as it is printed', async () => {
  system.write('Fire risk.onnx', classifier(['low', 'high'], 3, { zipMap: true }));
  const { code, stdout, stderr } = await model('inspect', 'Fire risk.onnx');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('by skl2onnx 1.17\n');
  expect(stdout).toContain('it ends in ZipMap, which is taken out as it is loaded');
  expect(stdout).toMatch(/^X +float32 +\[N, 3\]$/m);
  expect(stdout).toMatch(/^output_probability +float32 +any +low, high$/m);
  expect(stdout).toMatch(/^A proposal, which runs: 2 values per cell, [\d.e-]+ ms a row\.$/m);
  const yaml = stdout.slice(stdout.indexOf('\nmodels:'));
  expect(parse(yaml)).toEqual({
    models: {
      'fire-risk': {
        file: 'Fire risk.onnx',
        axes: { day: { from: 0, to: 6 }, hour: { from: 0, to: 23 } },
        categories: ['example'],
        inputs: { X: [{ axis: 'day' }, { axis: 'hour' }, { constant: 0 }] },
        output: 'output_probability',
      },
    },
  });
  system.write('forewarm.yaml', yaml);
  expect(await say(['config', 'check'], system.folder)).toMatchObject({ code: 0, stderr: '' });
  const tried = await model('try', '--output', 'high', '--json');
  expect(JSON.parse(tried.stdout)).toMatchObject({
    model: 'fire-risk',
    category: 'example',
    output: 'high',
    tier: 'model',
  });
});

test('inspect takes axes and the category by their names, and categories that the model knows', async () => {
  system.write('m.onnx', smallModel(['a', 'b "quoted"']));
  const answer = JSON.parse((await model('inspect', 'm.onnx', '--json')).stdout);
  expect(answer).toMatchObject({ hasZipMap: false, proposal: { runs: true, error: null, warnings: [] } });
  const { m } = parse(answer.proposal.yaml).models;
  expect(m.axes).toHaveProperty('hour', { from: 0, to: 23 });
  expect(m.categories).toEqual(['a', 'b "quoted"']);
});

test('inspect of the sample finds its axes and its categories', async () => {
  const { code, stdout } = await model('inspect', SAMPLE);
  expect(code).toBe(0);
  const { axes, categories } = parse(stdout.slice(stdout.indexOf('\nmodels:'))).models.model;
  expect(axes).toEqual({ day: { from: 0, to: 6 }, hour: { from: 0, to: 23 } });
  expect(categories).toHaveLength(50);
  expect(stdout).toContain('# categories: those that the model itself knows, the first 50 of 110\n');
});

test('inspect warns of a batch of a fixed size, and says of no file what it is not', async () => {
  system.write('one.onnx', matrixRegressor(2, { batch: 1 }));
  const { stdout } = await model('inspect', 'one.onnx');
  expect(stdout).toContain('warning models.one.file: the model takes 1 row at a time, which costs 168 runs');
  system.write('lfs.onnx', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');
  expect(await model('inspect', 'lfs.onnx')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('git lfs pull'),
  });
  const missing = await model('inspect', 'nothing.onnx');
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toMatch(/^error FW_MODEL_FILE_MISSING: .*nothing\.onnx does not exist\n/);
});

test('try shows what a category comes to, without a server, also one that is not configured', async () => {
  const categories = ['a', 'b'];
  system.configureSmall(categories, {
    settings: { redis: { cache: 'redis://127.0.0.1:1' }, postgres: { url: 'postgres://u:p@127.0.0.1:1/x' } },
  });
  const shown = await model('try', 'b');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain('\n  m | b\n  from model, generation ');
  const other = await model('try', 'c');
  expect(other.code).toBe(0);
  expect(other.stderr).toContain('warning "c" is not configured: no cycle computes it.');
});

test('try says why there is no row', async () => {
  system.configureSmall(['a', 'b'], { model: { poison: { input: 'category', equals: 'b' } } });
  expect(await model('try', 'b')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error FW_VALUE_NOT_FINITE: models\.m: "b": prediction at day=0 hour=0 is NaN\n/),
  });
});
