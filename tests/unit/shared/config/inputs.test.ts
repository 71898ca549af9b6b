import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '#shared/config/load';
import type { InputSource } from '#shared/config/types';

const folder = mkdtempSync(join(tmpdir(), 'forewarm-inputs-'));
mkdirSync(join(folder, 'data'));
writeFileSync(join(folder, 'data', 'known.csv'), 'name,size\nb,1\na,2\nz,3\n');
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'forewarm.yaml');
function load(inputs: unknown, more: object = {}) {
  const axes = { day: [0, 1], hour: [0, 6, 12] };
  const model = { file: 'm.onnx', axes, categories: ['a', 'b'], inputs, ...more };
  writeFileSync(path, stringify({ models: { calls: model } }));
  return loadConfig({ path, environment: {} }).models[0];
}

test.each<[unknown, InputSource]>([
  [
    { axis: 'day', transform: 'onehot' },
    { from: 'axis', axis: 'day', transform: 'onehot' },
  ],
  [{ constant: true }, { from: 'constant', value: true }],
  [{ clock: 'month' }, { from: 'clock', field: 'month', timezone: 'UTC' }],
  [
    { clock: 'hour', timezone: 'Europe/Berlin', transform: 'cyclic' },
    { from: 'clock', field: 'hour', timezone: 'Europe/Berlin', transform: 'cyclic' },
  ],
  [
    { category: 'index', vocabulary: ['b', 'a'] },
    { from: 'category', as: 'index', vocabulary: ['b', 'a'] },
  ],
  [
    { category: 'onehot', vocabulary: { file: 'data/known.csv', column: 'name' } },
    { from: 'category', as: 'onehot', vocabulary: ['b', 'a', 'z'] },
  ],
  [
    [{ axis: 'hour' }, { category: true }],
    { from: 'columns', columns: [{ from: 'axis', axis: 'hour' }, { from: 'category' }] },
  ],
])('%j is a source', (given, source) => expect(load({ x: given })?.inputs).toEqual({ x: source }));

const ONE_OF = 'one of { axis: NAME }, { category: true }, { constant: VALUE }, { clock: FIELD } and { feature: NAME }';

test.each<[unknown, string, string]>([
  [[], 'models.calls.inputs.x', 'a list of 1 to 65536 sources'],
  [
    [{ axis: 'day' }, { axis: 'hours' }],
    'models.calls.inputs.x[1].axis',
    'one of the axes day, hour; did you mean `hour`?',
  ],
  [[{ axis: 'day' }, 'hour'], 'models.calls.inputs.x[1]', ONE_OF],
  [{ axis: 'day', timezone: 'UTC' }, 'models.calls.inputs.x', ONE_OF],
  [{ axis: 'day', transform: 'log' }, 'models.calls.inputs.x.transform', 'one of `onehot`, `cyclic`'],
  [{ clock: 'moon' }, 'models.calls.inputs.x.clock', 'one of `year`'],
  [{ clock: 'month', timezone: 'Berlin' }, 'models.calls.inputs.x.timezone', 'the name of a time zone'],
  [{ clock: 'unixTime', transform: 'cyclic' }, 'models.calls.inputs.x.clock', 'a field that comes round'],
  [{ category: 'index' }, 'models.calls.inputs.x.category', 'a `vocabulary` beside it'],
  [{ category: 'index', vocabulary: ['a', 'a'] }, 'models.calls.inputs.x.vocabulary[1]', 'each category once'],
  [
    { category: 'index', vocabulary: { file: 'no.csv' } },
    'models.calls.inputs.x.vocabulary.file',
    'a file that exists',
  ],
  [
    { category: 'index', vocabulary: ['b', 'c'] },
    'models.calls.categories',
    'all categories to be in the vocabulary of input x; "a" is not',
  ],
  [{ constant: null }, 'models.calls.inputs.x.constant', 'a finite number, `true`, `false`, or text written in quotes'],
])('%j is refused, and said where', (given, where, expected) => {
  const refusal = (() => {
    try {
      load({ x: given });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  })();
  expect(refusal).toContain(where);
  expect(refusal).toContain(expected);
});

test('classes may be written as numbers, and outputs be several', () => {
  expect(load({}, { output: ['a', 'b'], classes: [1, 'two'] })).toMatchObject({
    output: ['a', 'b'],
    classes: ['1', 'two'],
  });
});
