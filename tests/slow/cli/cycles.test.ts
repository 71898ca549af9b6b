import { stripVTControlCharacters as strip } from 'node:util';
import { HistoryStore } from '#shared/store/history-store';
import { SMALL_AXES, smallModel, someCategories, TestSystem } from '../../support/system';
import { forEachAway, WAITED } from './away';
import { killHung, onlyError, say } from './command';
import { onTerminal } from './terminal';

/** `forewarm cycles` and `cycles show` on the run history that a daemon has written. */

jest.setTimeout(90_000);

const categories = someCategories(6);
const [FIRST = '', BAD = ''] = categories;

let system: TestSystem;
/** A cycle in which one row failed, and one over a good row. */
let degraded: string;
let complete: string;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  const poison = { input: 'category', equals: BAD };
  system.write('m.onnx', smallModel(categories, { poison }));
  system.write('other.onnx', smallModel(['x'], { note: 'another model' }));
  system.configure({
    m: { file: 'm.onnx', axes: SMALL_AXES, categories, every: '1h', batchSize: 4 },
    other: { file: 'other.onnx', axes: SMALL_AXES, categories: ['x'], every: '1h' },
  });
  const daemon = system.daemon();
  degraded = String((await daemon.cycle('degraded')).cycle);
  const waited = await say(['warm', '--model', 'm', '--category', FIRST, '--wait', '--json'], system.folder);
  complete = JSON.parse(waited.stdout).cycle;
  // The last word to the history may come after the line.
  for (const cycle of [degraded, complete])
    await system.recorded(({ id, state }) => id === cycle && state !== 'running');
  await system.recorded(({ state }) => state === 'complete', 'other');
  await daemon.stop();
});
afterEach(killHung);
afterAll(() => system.stop());

const run = (...args: string[]) => say(['cycles', ...args], system.folder);
const document = async (...args: string[]) => {
  const said = await run(...args, '--json');
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  return JSON.parse(said.stdout);
};

test('the last cycles, newest first, with what became of their rows and why', async () => {
  const said = await run();
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  const [head, newest, ...older] = said.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^cycle +model +trigger +state +started +at \(UTC\) +took +rows +outcome$/);
  expect(newest).toMatch(
    new RegExp(`^${complete} +m +command +complete +\\d+[ms] ago +20[\\d-]+ [\\d:]+ +[\\d.]+ m?s +1 +1 computed$`),
  );
  const at = older.findIndex((line) => line.startsWith(degraded));
  expect(older[at]).toMatch(/ m +startup +degraded .* 6 +1 failed, 5 computed$/);
  expect(older[at + 1]).toMatch(/^ {2}1 row failed: category 00001: prediction at day=0 hour=0 is NaN/);
  expect(older.some((line) => / other +startup +complete /.test(line))).toBe(true);
});

test('only those that failed, of one model, or a few of them', async () => {
  expect((await document('--failed')).cycles).toMatchObject([{ id: degraded, state: 'degraded', failed: 1 }]);
  expect((await document('--model', 'other')).cycles).toMatchObject([{ model: 'other', computed: 1 }]);
  expect((await document('--limit', '1')).cycles).toMatchObject([{ id: complete, model: 'm', trigger: 'command' }]);
  expect((await document()).cycles).toHaveLength(3);
  expect(await run('--failed', '--model', 'other')).toMatchObject({ code: 0, stdout: 'No cycle failed.\n' });
});

test('one cycle: its batches, where their time went, and what failed', async () => {
  const said = await run('show', degraded);
  expect(said).toMatchObject({ code: 0, stderr: '', log: [] });
  const [about = '', batches = '', stages = '', failures = ''] = said.stdout.trimEnd().split('\n\n');
  expect(about).toMatch(new RegExp(`^${degraded} {2}degraded\\n {2}model {4}m, generation [0-9a-f]{12}\\n`));
  expect(about).toMatch(/\n {2}rows {5}6: 1 failed, 5 computed; 5 are in PostgreSQL\n {2}reason {3}1 row failed/);
  expect(batches).toMatch(/^batch +state +categories .*\n +0 +degraded +4 +3 .*\n +1 +complete +2 +2 [^\n]*$/);
  const shares = [...stages.matchAll(/^ {2}(load|read|features|infer|pack|redis|postgres) +[\d.]+ m?s +<?\d+ %/gm)];
  expect(shares.map(([, stage]) => stage)).toEqual(['load', 'read', 'features', 'infer', 'pack', 'redis', 'postgres']);
  expect(failures).toBe('failed\n  FW_VALUE_NOT_FINITE: prediction at day=0 hour=0 is NaN\n    category 00001');
});

test('as JSON: the cycle, its batches and the times of its stages', async () => {
  const { cycle, batches, stages } = await document('show', degraded);
  expect(cycle).toMatchObject({ id: degraded, model: 'm', state: 'degraded', batches: 2, computed: 5, failed: 1 });
  expect(batches).toMatchObject([
    {
      number: 0,
      state: 'degraded',
      failedCategories: [BAD],
      failures: [{ category: BAD, code: 'FW_VALUE_NOT_FINITE' }],
    },
    { number: 1, state: 'complete', failedCategories: [] },
  ]);
  const infer = batches.reduce(
    (sum: number, batch: { timings: { inferMs: number } }) => sum + batch.timings.inferMs,
    0,
  );
  expect(stages.infer).toBeCloseTo(infer);
  expect(Object.keys(stages)).toEqual(['load', 'read', 'features', 'infer', 'pack', 'redis', 'postgres']);
});

test('the beginning of an id is enough, for a retry too; more than one that fits is refused with those that do', async () => {
  const others = (await system.history('other')).map(({ id }) => id);
  const unique = uniqueBeginning(degraded, [complete, ...others]);
  expect((await document('show', unique)).cycle.id).toBe(degraded);
  const retry = await say(['retry', uniqueBeginning(complete, [degraded, ...others])], system.folder);
  expect(onlyError(retry)).toMatchObject({ code: 'FW_NOTHING_TO_RETRY', message: expect.stringContaining(complete) });
  const ambiguous = await run('show', '20');
  expect(onlyError(ambiguous)).toMatchObject({
    code: 'FW_CYCLE_AMBIGUOUS',
    message: expect.stringMatching(new RegExp(`^20 is the beginning of .*${degraded}`)),
  });
  expect(ambiguous.code).toBe(2);
});

/** The shortest beginning of an id that none of the others has. */
function uniqueBeginning(id: string, others: readonly string[]): string {
  const length = [...id].findIndex((_, i) => others.every((other) => !other.startsWith(id.slice(0, i + 1)))) + 1;
  return id.slice(0, length);
}

test('a cycle that runs has no batches yet', async () => {
  const id = '20261124t000000-ffffff';
  const [known] = await system.history();
  if (known === undefined) throw new Error('there is no cycle');
  const running = { ...known, id, state: 'running' as const, finishedAt: null, durationMs: null, batches: 3 };
  await new HistoryStore(system.pool).record({ ...running, startedAt: new Date('2026-11-24T00:00:00Z') });
  const said = await run('show', id);
  expect(said.stdout).toMatch(/^\S+ {2}running\n[\s\S]*\n\n3 batches, recorded when the cycle ends\n$/);
  await system.pool.query('DELETE FROM forewarm.cycle WHERE id = $1', [id]);
});

test.each([80, 120, 160])('on a terminal of %d columns states are coloured, and no line is longer', async (columns) => {
  for (const args of [['cycles'], ['cycles', 'show', degraded], ['status']]) {
    const shown = await onTerminal(args, { cwd: system.folder, columns });
    expect(shown).toContain('\u001b[33mdegraded\u001b[39m');
    for (const line of strip(shown).split('\n')) {
      // The whole reason of the one cycle is prose: the terminal wraps it.
      if (!line.startsWith('  reason ')) expect(line.length).toBeLessThanOrEqual(columns);
    }
  }
});

test.each<[string, string[], string, number, RegExp]>([
  ['an unknown cycle', ['show', 'nothing'], 'FW_CYCLE_UNKNOWN', 4, /has no cycle nothing/],
  ['what is no beginning', ['show', '%'], 'FW_CYCLE_UNKNOWN', 4, /has no cycle %/],
  ['no cycle', ['show'], 'FW_USAGE', 2, /missing required argument 'id'/],
  ['an unknown model', ['--model', 'n'], 'FW_MODEL_UNKNOWN', 4, /configured are m, other/],
  ['no number', ['--limit', 'x'], 'FW_USAGE', 2, /--limit x: expected a whole number/],
  ['a word too many', ['shwo'], 'FW_USAGE', 2, /too many arguments/],
])('%s is refused', async (_name, args, code, exit, says) => {
  const said = await run(...args);
  expect(onlyError(said)).toMatchObject({ code, message: expect.stringMatching(says) });
  expect(said.code).toBe(exit);
});

test('with PostgreSQL away each says so soon, without its password', async () => {
  await forEachAway(async (address, away) => {
    for (const args of [[], ['show', degraded]]) {
      const said = await run(...args, '--set', `postgres.url=postgres://user:secret@${address}/x`);
      expect(onlyError(said)).toMatchObject({
        code: 'FW_POSTGRES_UNAVAILABLE',
        message: expect.stringMatching(WAITED.postgres[away]),
      });
      expect(said.stderr).toContain(`postgres://user:***@${address}`);
      expect(said.code).toBe(3);
    }
  });
});

// Last: it takes the tables away.
test('a database without the schema says what to do', async () => {
  await system.pool.query('DROP SCHEMA forewarm CASCADE');
  const said = await run();
  expect(onlyError(said)).toMatchObject({
    code: 'FW_POSTGRES_UNAVAILABLE',
    next: expect.stringContaining('`forewarm migrate`'),
  });
  expect((await say(['migrate'], system.folder)).code).toBe(0);
  expect(await run()).toMatchObject({ code: 0, stdout: 'No cycle has run yet.\n' });
});
