import { eventually, SMALL_AXES, TestSystem } from '../../support/system';
import { forEachAway, WAITED } from './away';
import { killHung, onlyError, say } from './command';

/** `forewarm predict` against a Redis that a daemon has warmed, and against one that is not what it should be. */

jest.setTimeout(60_000);

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
  system.configureSmall(['first', 'second one']);
  const daemon = system.daemon();
  await daemon.cycle();
  await daemon.stop();
});
afterEach(killHung);
afterAll(() => system.stop());

const predict = (...args: string[]) => say(['predict', ...args], system.folder);

test('as text: the value, what was asked, and where it comes from', async () => {
  const said = await predict('--category', 'second one', 'day=3', 'hour=5');
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  const [value, question, source, ...more] = said.stdout.split('\n');
  // 0.5 day + 0.25 hour + 10 for each place in the list.
  expect(value).toBe('prediction  22.75');
  expect(question).toBe('  m | second one | day=3 hour=5');
  expect(source).toMatch(/^ {2}from redis, generation [0-9a-f]{12}, model version \w+, computed \w+ ago \(fresh\)$/);
  expect(more).toEqual(['']);
});

test('it is stale by the `staleAfter` of its model', async () => {
  const model = { file: 'm.onnx', axes: SMALL_AXES, categories: ['first', 'second one'], staleAfter: '1s' };
  const file = system.write('soon.yaml', JSON.stringify({ redis: { cache: system.redis.url }, models: { m: model } }));
  await eventually('a stale answer', async () => {
    const { stdout } = await predict('--config', file, '--json', '--category', 'first', 'day=1', 'hour=1');
    return JSON.parse(stdout).stale === true;
  });
});

test('as JSON: one document, wherever --json stands', async () => {
  const question = ['--category', 'first', 'hour=0', 'day=1'];
  const [after, before] = [
    await predict(...question, '--json'),
    await say(['--json', 'predict', ...question], system.folder),
  ];
  for (const said of [after, before]) {
    expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
    const answer = JSON.parse(said.stdout);
    expect(answer).toMatchObject({
      model: 'm',
      category: 'first',
      values: { prediction: 10.5 },
      tier: 'redis',
      stale: false,
    });
    expect(Date.parse(answer.computedAt)).toBeLessThanOrEqual(Date.now());
    expect(answer.ageMs).toBeGreaterThanOrEqual(0);
    expect(answer.generation).toBe((await system.cache().pointer())?.generation);
  }
});

const REFUSED: readonly [string, string[], string, number, RegExp][] = [
  [
    'an unknown model',
    ['--model', 'n', '--category', 'first', 'day=1', 'hour=1'],
    'FW_MODEL_UNKNOWN',
    4,
    /configured are m$/,
  ],
  ['an unknown category', ['--category', 'elsewhere', 'day=1', 'hour=1'], 'FW_CATEGORY_UNKNOWN', 4, /"elsewhere"/],
  [
    'a value that is not on its axis',
    ['--category', 'first', 'day=9', 'hour=1'],
    'FW_CELL_UNKNOWN',
    2,
    /it has 0, 1, 2, 3$/,
  ],
  [
    'an axis that is missing',
    ['--category', 'first', 'day=1'],
    'FW_CELL_UNKNOWN',
    2,
    /hour is not given; .* day, hour$/,
  ],
  [
    'an axis that there is not',
    ['--category', 'first', 'dya=1', 'hour=1'],
    'FW_CELL_UNKNOWN',
    2,
    /no axis is named dya/,
  ],
  ['an axis twice', ['--category', 'first', 'day=1', 'day=2'], 'FW_USAGE', 2, /axis day is given twice/],
  ['something that is no pair', ['--category', 'first', 'monday'], 'FW_USAGE', 2, /"monday" is not AXIS=VALUE/],
  ['no pair', ['--category', 'first'], 'FW_USAGE', 2, /axis=value/],
  ['no category', ['day=1', 'hour=1'], 'FW_USAGE', 2, /needs a --category/],
  ['a misspelt option', ['--categry', 'first', 'day=1'], 'FW_USAGE', 2, /did you mean --category\?/],
];

test.each(REFUSED)('%s is refused', async (_name, args, code, exit, says) => {
  const said = await predict(...args);
  expect(onlyError(said)).toMatchObject({
    code,
    message: expect.stringMatching(says),
    next: expect.stringMatching(/\w/),
  });
  expect(said.code).toBe(exit);
});

test('for a misspelt category the nearest one is named', async () => {
  expect(onlyError(await predict('--category', 'frist', 'day=1', 'hour=1')).next).toBe('Did you mean "first"?');
});

test('a category that is configured and has no row yet is not called misspelt', async () => {
  const model = { file: 'm.onnx', axes: SMALL_AXES, categories: ['first', 'second one', 'third'] };
  const file = system.write('more.yaml', JSON.stringify({ redis: { cache: system.redis.url }, models: { m: model } }));
  const said = await predict('--config', file, '--category', 'third', 'day=1', 'hour=1');
  expect(onlyError(said)).toMatchObject({
    code: 'FW_CATEGORY_UNKNOWN',
    next: expect.stringContaining('It is configured, but has no row yet'),
  });
  const generation = (await system.cache().pointer())?.generation ?? '';
  const row = system.cache().keys.row(generation, 'first');
  const bytes = await system.client.getBuffer(row);
  await system.client.del(row);
  const lost = await predict('--category', 'first', 'day=1', 'hour=1');
  await system.client.set(row, bytes ?? '');
  expect(onlyError(lost).next).toBe('Ask again in a moment.');
});

test('an error as JSON is one document on standard error', async () => {
  const said = await predict('--json', '--category', 'frist', 'day=1', 'hour=1');
  expect(said).toMatchObject({ code: 4, stdout: '', stderr: '' });
  expect(said.log).toEqual([
    { error: expect.objectContaining({ code: 'FW_CATEGORY_UNKNOWN', next: 'Did you mean "first"?' }) },
  ]);
});

test('which model is asked when there are two', async () => {
  const model = { file: 'm.onnx', axes: SMALL_AXES, categories: ['first'] };
  const file = system.write(
    'two.yaml',
    JSON.stringify({ redis: { cache: system.redis.url }, models: { a: model, b: model } }),
  );
  const said = await predict('--config', file, '--category', 'first', 'day=1', 'hour=1');
  expect(onlyError(said)).toMatchObject({
    code: 'FW_USAGE',
    message: 'which model? Give --model; configured are a, b',
  });
  const unwarmed = await predict('--config', file, '--model', 'b', '--category', 'first', 'day=1', 'hour=1');
  expect(onlyError(unwarmed).code).toBe('FW_NOT_WARMED');
  expect(unwarmed.code).toBe(4);
});

test('a Redis that is away is told soon, without its password', async () => {
  await forEachAway(async (address, away) => {
    const redis = `redis.cache=redis://:secret@${address}`;
    const said = await predict('--set', redis, '--category', 'first', 'day=1', 'hour=1');
    const { code, message, next } = onlyError(said);
    expect(code).toBe('FW_REDIS_UNAVAILABLE');
    expect(message).toContain(`redis://:***@${address}`);
    expect(message).toMatch(WAITED.redis[away]);
    expect(next).toContain('forewarm up');
    expect(said.code).toBe(3);
  });
});
