import { stripVTControlCharacters as strip } from 'node:util';
import { linearModel } from '../../support/models';
import { SMALL_AXES, smallModel, TestSystem } from '../../support/system';
import { forEachAway, WAITED } from './away';
import { killHung, onlyError, say } from './command';
import { onTerminal } from './terminal';

/** `forewarm show` against a Redis that a daemon has warmed: a table in a pipe, a heat map on a terminal. */

jest.setTimeout(60_000);

const CATEGORIES = ['first', 'second one', '三番目のとても長い名前'];
const ZONES = ['north', 'south'];

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
  system.write('m.onnx', smallModel(CATEGORIES));
  system.write('zones.onnx', zonesModel());
  const zones = {
    file: 'zones.onnx',
    axes: { ...SMALL_AXES, zone: ZONES },
    categories: ['only'],
    outputs: ['p50', 'p90'],
  };
  system.configure({ m: { file: 'm.onnx', axes: SMALL_AXES, categories: CATEGORIES }, zones });
  const daemon = system.daemon();
  await daemon.logged(({ message, model }) => message === 'cycle complete' && model === 'm');
  await daemon.logged(({ message, model }) => message === 'cycle complete' && model === 'zones');
  await daemon.stop();
});
afterEach(killHung);
afterAll(() => system.stop());

/** p50 = day + hour / 8 + 100 in the south; p90 is ten times as much. */
function zonesModel(): Uint8Array {
  return linearModel({
    inputs: [
      { name: 'day', type: 'int64', weights: [[1, 10]] },
      { name: 'hour', type: 'int64', weights: [[0.125, 1.25]] },
      { name: 'zone', type: 'string', labels: { south: 1 }, weights: [[100, 1_000]] },
      { name: 'category', type: 'string', weights: [[0, 0]] },
    ],
    outputs: 2,
  });
}

const show = (...args: string[]) => say(['show', ...args], system.folder);
const document = async (...args: string[]) => {
  const said = await show(...args, '--json');
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  return JSON.parse(said.stdout);
};

test('in a pipe: every number of the row in a table, its scale, and where it comes from', async () => {
  const said = await show('second one', '--model', 'm');
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  const lines = said.stdout.split('\n');
  // 0.5 day + 0.25 hour + 10 for each place in the list.
  expect(lines.slice(0, 11)).toEqual([
    'prediction by day and hour',
    '',
    '      hour',
    '  day      0      1      2      3      4      5',
    '    0  20.00  20.25  20.50  20.75  21.00  21.25',
    '    1  20.50  20.75  21.00  21.25  21.50  21.75',
    '    2  21.00  21.25  21.50  21.75  22.00  22.25',
    '    3  21.50  21.75  22.00  22.25  22.50  22.75',
    '',
    '  lowest 20 at day=0 hour=0, highest 22.75 at day=3 hour=5',
    '  m | second one',
  ]);
  expect(lines[11]).toMatch(/^ {2}from redis, generation [0-9a-f]{12}, model version \w+, computed \w+ ago \(fresh\)$/);
  expect(lines.slice(12)).toEqual(['']);
});

test.each<[string[], string[], string]>([
  [
    ['--axes', 'hour,day'],
    [
      'prediction by hour and day',
      '       day',
      '  hour      0      1      2      3',
      '     0  10.00  10.50  11.00  11.50',
    ],
    '  m | first',
  ],
  [
    ['--axes', 'hour'],
    [
      'prediction by hour',
      '  hour',
      '       0      1      2      3      4      5',
      '   10.00  10.25  10.50  10.75  11.00  11.25',
    ],
    '  m | first | day=0 (the first of 4)',
  ],
  [
    ['day=3'],
    [
      'prediction by hour',
      '  hour',
      '       0      1      2      3      4      5',
      '   11.50  11.75  12.00  12.25  12.50  12.75',
    ],
    '  m | first | day=3',
  ],
])('%j shows other axes', async (args, [title, ...map], subject) => {
  const said = await show('first', '--model', 'm', ...args);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  const lines = said.stdout.split('\n');
  expect([lines[0], ...lines.slice(2, 5)]).toEqual([title, ...map]);
  expect(lines).toContain(subject);
});

test('of three axes the third has a value, and of two outputs one is shown', async () => {
  const first = await show('only', '--model', 'zones');
  expect(first.stdout).toMatch(/^p50 by day and hour\n/);
  expect(first.stdout).toContain('\n  zones | only | zone=north (the first of 2)\n');
  const other = await show('only', '--model', 'zones', '--output', 'p90', '--axes', 'zone,day', 'hour=4');
  expect(other.stdout.split('\n').slice(0, 6)).toEqual([
    'p90 by zone and day',
    '',
    '        day',
    '   zone     0     1     2     3',
    '  north     5    15    25    35',
    '  south  1005  1015  1025  1035',
  ]);
  expect(other.stdout).toContain('\n  zones | only | hour=4\n');
});

test('as JSON: axes, values and provenance', async () => {
  const table = await document('only', '--model', 'zones', '--axes', 'hour,zone', 'day=2');
  expect(table).toMatchObject({
    model: 'zones',
    category: 'only',
    output: 'p50',
    outputs: ['p50', 'p90'],
    axes: [
      { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
      { name: 'zone', values: ZONES },
    ],
    fixed: { day: 2 },
    tier: 'redis',
    generation: (await system.cache('zones').pointer())?.generation,
    stale: false,
  });
  expect(table.values).toEqual([0, 1, 2, 3, 4, 5].map((hour) => [2 + hour / 8, 102 + hour / 8]));
  expect(Date.parse(table.computedAt)).toBeLessThanOrEqual(Date.now());
  const line = await document('first', '--model', 'm', '--axes', 'day');
  expect(line).toMatchObject({ axes: [{ name: 'day' }], fixed: { hour: 0 }, values: [10, 10.5, 11, 11.5] });
});

test('on a terminal each cell has a colour, of as many bits as the terminal has', async () => {
  const args = ['show', 'first', '--model', 'm'];
  const cells = (shown: string) => shown.match(/38;5;(16|231);48;[25];[\d;]+m[\d. ]+/g) ?? [];
  const rich = await onTerminal(args, { cwd: system.folder, env: { COLORTERM: 'truecolor' } });
  // 24 cells, and the 50 columns of the scale.
  expect(cells(rich)).toHaveLength(24 + 50);
  expect(rich).toContain('48;2;68;1;84m 10.00 ');
  expect(rich).toContain('48;2;253;231;37m 12.75 ');
  expect(strip(rich)).toMatch(/\n {4}3 +11\.50 +11\.75 +12\.00 +12\.25 +12\.50 +12\.75/);
  const poor = await onTerminal(args, { cwd: system.folder });
  expect(cells(poor)).toHaveLength(24 + 50);
  expect(poor).toContain('48;5;53m 10.00 ');
  expect(poor).not.toContain(';48;2;');
  const none = await onTerminal(args, { cwd: system.folder, env: { NO_COLOR: '1' } });
  expect(none).not.toContain('\u001b');
  expect(none).toContain('\n    3  11.50  11.75  12.00  12.25  12.50  12.75\n');
});

test.each([24, 34, 44, 160])('on a terminal of %d columns no line of the map is longer', async (columns) => {
  for (const env of [{ COLORTERM: 'truecolor' }, { NO_COLOR: '1' }]) {
    const shown = strip(await onTerminal(['show', 'first', '--model', 'm'], { cwd: system.folder, columns, env }));
    const map = shown.split('\n').filter((line) => /^ +(day|hour|\d) /.test(line));
    expect(map.length).toBeGreaterThanOrEqual(5);
    for (const line of map) expect(line.length).toBeLessThanOrEqual(columns);
  }
});

test('a long name of wide characters is shown whole', async () => {
  const said = await show(CATEGORIES[2] ?? '', '--model', 'm', 'day=0');
  expect(said.stdout).toContain(`\n  m | ${CATEGORIES[2]} | day=0\n`);
});

test.each<[string, string[], string, number, RegExp, RegExp]>([
  ['no model', ['first'], 'FW_USAGE', 2, /which model/, /--help/],
  ['an unknown model', ['first', '--model', 'n'], 'FW_MODEL_UNKNOWN', 4, /configured are m, zones/, /./],
  ['a misspelt category', ['frist', '--model', 'm'], 'FW_CATEGORY_UNKNOWN', 4, /"frist"/, /^Did you mean "first"\?$/],
  [
    'an unknown axis',
    ['first', '--model', 'm', '--axes', 'day,huor'],
    'FW_USAGE',
    2,
    /"huor"; the axes are day, hour/,
    /--help/,
  ],
  [
    'an unknown output',
    ['first', '--model', 'm', '--output', 'x'],
    'FW_USAGE',
    2,
    /the outputs are prediction/,
    /--help/,
  ],
  [
    'a value that is not on its axis',
    ['first', '--model', 'm', 'day=9'],
    'FW_CELL_UNKNOWN',
    2,
    /it has 0, 1, 2, 3/,
    /./,
  ],
  ['something that is no pair', ['first', 'monday', '--model', 'm'], 'FW_USAGE', 2, /"monday" is not AXIS=VALUE/, /./],
  ['no category', ['--model', 'm'], 'FW_USAGE', 2, /missing required argument 'category'/, /show --help/],
])('%s is refused', async (_name, args, code, exit, says, next) => {
  const said = await show(...args);
  expect(onlyError(said)).toMatchObject({
    code,
    message: expect.stringMatching(says),
    next: expect.stringMatching(next),
  });
  expect(said.code).toBe(exit);
});

test('with Redis away it says so soon, without its password', async () => {
  await forEachAway(async (address, away) => {
    const said = await show('first', '--model', 'm', '--set', `redis.cache=redis://:secret@${address}`);
    expect(onlyError(said)).toMatchObject({
      code: 'FW_REDIS_UNAVAILABLE',
      message: expect.stringMatching(WAITED.redis[away]),
    });
    expect(said.stderr).toContain(`redis://:***@${address}`);
    expect(said.code).toBe(3);
  });
});

// Last: it takes rows away.
test('a row that is missing or corrupt is an error, never a map', async () => {
  const key = system.cache().keys.row((await system.cache().pointer())?.generation ?? '', 'first');
  await system.client.set(key, 'no row');
  expect(onlyError(await show('first', '--model', 'm')).code).toBe('FW_ROW_CORRUPT');
  await system.client.del(key);
  const missing = await show('first', '--model', 'm');
  expect(onlyError(missing)).toMatchObject({ code: 'FW_CATEGORY_UNKNOWN', next: 'Ask again in a moment.' });
  await system.client.del(system.cache().keys.live);
  expect(onlyError(await show('first', '--model', 'm')).code).toBe('FW_NOT_WARMED');
});
