import { execFile, execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ModelTier, type ModelTierOptions } from '#shared/tiers/model-tier';
import type { FoundRow, LiveGeneration, Published } from '#shared/tiers/tier';
import { AXES, ReferenceModel } from '../../conformance/reference-model';
import { linearModel } from '../../support/models';
import { eventually, smallModel, someCategories, TestSystem } from '../../support/system';

/** What is the model's own of its tier; what it shares with the others is in tests/conformance. */

jest.setTimeout(90_000);

const categories = someCategories(100);
const [FIRST = '', SECOND = '', SLOW = '', BAD = ''] = categories;
const DIST = join(__dirname, '../../../dist/shared');

let system: TestSystem;
const tiers: ModelTier[] = [];

beforeAll(async () => {
  system = await TestSystem.start();
});
afterAll(() => system.stop());
afterEach(async () => {
  await Promise.all(tiers.splice(0).map((tier) => tier.close()));
  await system.client.flushall();
});

/** A tier on the file `m.onnx`. */
function make(more: Partial<ModelTierOptions> = {}): ModelTier {
  const models = [{ name: 'm', file: join(system.folder, 'm.onnx'), axes: AXES, categories }];
  const settings = { keyPrefix: 'forewarm', processes: 1, limitMs: 60_000, env: process.env };
  const tier = new ModelTier({ models, ...settings, ...more });
  tiers.push(tier);
  return tier;
}

/** Writes `m.onnx` and tells what it is. */
async function write(more: Parameters<typeof smallModel>[1] = {}): Promise<LiveGeneration> {
  const file = system.write('m.onnx', smallModel(categories, more));
  const reference = await ReferenceModel.open(file, FIRST);
  await reference.close();
  return reference.live;
}

/** Rows go to Redis, and come to be known to others, as a predictor does it. */
function shared(lifeMs = 30_000): Pick<ModelTierOptions, 'shared'> {
  const publish = async ({ keys, generation }: LiveGeneration, rows: readonly FoundRow[]) => {
    // At once, as a predictor does it: a tier does not wait for long.
    await system.client.mset(...rows.flatMap(({ category, row }) => [keys.row(generation, category), row.bytes]));
  };
  // However busy the machine is: what is tested is what they agree on.
  return { shared: { redis: system.client, lifeMs, stepMs: 10_000, publish } };
}

const flightsLeft = () => system.client.keys('forewarm:*:flight:*');

/** Processes of tiers of this test. */
async function inferenceProcesses(states = /^[^Z]/): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,stat=,args=']);
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  const own = lines.filter(([, parent, state = '', name]) => {
    return Number(parent) === process.pid && states.test(state) && name === 'forewarm';
  });
  return own.map(([pid]) => Number(pid));
}

/** A process in the middle of a run, seen at it in so many looks. */
async function computing(looks = 4): Promise<number> {
  let seen = new Map<number, number>();
  return eventually('a process that computes', async () => {
    seen = new Map((await inferenceProcesses(/^R/)).map((pid) => [pid, (seen.get(pid) ?? 0) + 1]));
    return [...seen].find(([, times]) => times >= looks)?.[0];
  });
}

test('importing it loads neither the runtime nor what starts processes, and none runs before a row is asked for', async () => {
  const program = `const { ModelTier } = require(process.argv[1]);
    new ModelTier({ models: [], keyPrefix: 'p', processes: 1, limitMs: 1, env: {} });
    console.log(Object.keys(require.cache).filter((path) => /workerpool|onnxruntime|inference-pool|bullmq/.test(path)).join());`;
  expect(execFileSync(process.execPath, ['-e', program, join(DIST, 'tiers/model-tier.js')]).toString()).toBe('\n');
  const live = await write();
  const tier = make();
  expect(await tier.read({ ...live, model: 'another' }, [FIRST])).toEqual({ found: [], corrupt: [] });
  expect(await tier.published('another')).toBeUndefined();
  expect(await inferenceProcesses()).toEqual([]);
  await tier.read(live, [FIRST]);
  expect(await inferenceProcesses()).toHaveLength(1);
});

test('its live generation is what the file is', async () => {
  const live = await write();
  const models = [{ name: 'm', file: join(system.folder, 'm.onnx'), axes: AXES, version: '7' }];
  expect(await make({ models }).published('m')).toEqual({ live: { ...live, modelVersion: '7' } });
});

test('200 who miss one row at the same time cost one inference', async () => {
  const live = await write();
  const tier = make();
  const reads = await Promise.all(Array.from({ length: 200 }, () => tier.read(live, [FIRST])));
  expect(new Set(reads.map(({ found }) => found[0]?.row.bytes)).size).toBe(1);
  expect(tier.computed).toBe(1);
});

test('and so they do in several processes that share a Redis, with no flight left behind', async () => {
  const live = await write();
  const two = [make(shared()), make(shared()), make(shared())];
  const ask = () => two.flatMap((tier) => Array.from({ length: 70 }, () => tier.read(live, [FIRST])));
  const reads = await Promise.all(ask());
  const rows = reads.map(({ found }) => found[0]?.row.bytes.toString('hex'));
  expect([rows.length, new Set(rows).size, rows[0] === undefined]).toEqual([210, 1, false]);
  expect(two.reduce((sum, tier) => sum + tier.computed, 0)).toBe(1);
  await eventually('the end of the flight', async () => (await flightsLeft()).length === 0);
});

test('and so they do in processes of other applications', async () => {
  await write();
  const program = `const [dist, redisUrl, options] = process.argv.slice(1);
    const { ModelTier } = require(dist + '/tiers/model-tier');
    const { Redis } = require('ioredis');
    const redis = new Redis(redisUrl);
    const publish = async (live, rows) => {
      for (const { category, row } of rows) await redis.set(live.keys.row(live.generation, category), row.bytes);
    };
    const tier = new ModelTier({ ...JSON.parse(options), env: process.env, shared: { redis, lifeMs: 30000, publish } });
    redis.once('ready', async () => {
      const { live } = await tier.published('m');
      const reads = await Promise.all(Array.from({ length: 50 }, () => tier.read(live, [${JSON.stringify(FIRST)}])));
      console.log(JSON.stringify({ computed: tier.computed, rows: reads.map(({ found }) => found[0].row.bytes.toString('hex')) }));
      await tier.close();
      redis.disconnect();
    });`;
  const models = [{ name: 'm', file: join(system.folder, 'm.onnx'), axes: AXES }];
  const options = JSON.stringify({ models, keyPrefix: 'forewarm', processes: 1, limitMs: 60_000 });
  const run = () =>
    promisify(execFile)(process.execPath, ['-e', program, DIST, system.redis.url, options], { cwd: DIST });
  const answers = (await Promise.all([run(), run()])).map(({ stdout }) => JSON.parse(stdout));
  expect(new Set(answers.flatMap(({ rows }) => rows)).size).toBe(1);
  expect(answers.reduce((sum, { computed }) => sum + computed, 0)).toBe(1);
  expect(await flightsLeft()).toEqual([]);
});

test('many rows that several processes miss are computed once each', async () => {
  const live = await write();
  const two = [make(shared()), make(shared())];
  // Each begins with others.
  const orders = [categories, [...categories].reverse()];
  const reads = await Promise.all(two.map((tier, i) => tier.read(live, orders[i] ?? [])));
  expect(reads.map(({ found }) => found.length)).toEqual([100, 100]);
  expect(two.reduce((sum, tier) => sum + tier.computed, 0)).toBe(100);
  await eventually('the end of the flights', async () => (await flightsLeft()).length === 0);
});

describe('while another process has the flight', () => {
  const key = (live: LiveGeneration) => live.keys.flight(live.generation, FIRST);

  test('its row is taken when it comes, and other rows do not wait', async () => {
    const live = await write();
    const tier = make(shared());
    await system.client.set(key(live), 'another', 'PX', 60_000);
    const waiting = tier.read(live, [FIRST]);
    expect((await tier.read(live, [SECOND])).found).toHaveLength(1);
    const reference = await ReferenceModel.open(join(system.folder, 'm.onnx'), FIRST);
    const bytes = await reference.bytes(FIRST, 1_234);
    await reference.close();
    // One that is no row is not taken for one.
    await system.client.set(live.keys.row(live.generation, FIRST), 'nonsense');
    await system.client.set(live.keys.row(live.generation, FIRST), bytes);
    const { found } = await waiting;
    expect(found[0]?.row.computedAtMs).toBe(1_234);
    expect(tier.computed).toBe(1);
    expect(await system.client.get(key(live))).toBe('another');
  });

  test('and loses it, the row is computed here', async () => {
    const live = await write();
    const tier = make(shared());
    await system.client.set(key(live), 'another', 'PX', 200);
    expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
    expect(tier.computed).toBe(1);
  });

  test('and holds it for ever, the row is computed here when a flight is over', async () => {
    const live = await write();
    const tier = make(shared(200));
    await system.client.set(key(live), 'another');
    expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
    expect(await system.client.get(key(live))).toBe('another');
  });

  test('the end of the tier does not wait for it', async () => {
    const live = await write();
    const tier = make(shared());
    await tier.read(live, [SECOND]);
    await system.client.set(key(live), 'another', 'PX', 60_000);
    const waiting = expect(tier.read(live, [FIRST])).rejects.toMatchObject({ code: 'FW_READER_CLOSED' });
    await tier.close();
    await waiting;
  });
});

test('a row that came into Redis in between is not computed again', async () => {
  const live = await write();
  const [one, two] = [make(shared()), make(shared())];
  const first = await one.read(live, [FIRST]);
  await eventually('the end of the flight', async () => (await flightsLeft()).length === 0);
  const second = await two.read(live, [FIRST, SECOND]);
  expect(second.found).toHaveLength(2);
  expect(
    second.found
      .find(({ category }) => category === FIRST)
      ?.row.bytes.equals(first.found[0]?.row.bytes ?? Buffer.alloc(0)),
  ).toBe(true);
  expect([one.computed, two.computed]).toEqual([1, 1]);
});

test('a Redis that hangs, is gone or refuses costs no row', async () => {
  const live = await write();
  const tier = make(shared());
  await system.redis.kill('SIGSTOP');
  expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
  await system.redis.kill('SIGCONT');
  await system.redis.restart();
  await eventually('the connection', () => system.client.status === 'ready');
  await system.client.call('ACL', 'SETUSER', 'default', '-set');
  expect((await tier.read(live, [SECOND])).found).toHaveLength(1);
  await system.client.call('ACL', 'SETUSER', 'default', '+set');
  expect(tier.computed).toBe(2);
});

test('a process that is killed fails what it computed, and the next call works', async () => {
  const live = await write({ slow: { iterations: 1e9, when: { input: 'category', equals: SLOW } } });
  const lost: Error[] = [];
  const tier = make({ ...shared(), onError: (error) => lost.push(error) });
  await tier.read(live, [FIRST]);
  const read = expect(tier.read(live, [SLOW])).rejects.toMatchObject({ code: 'FW_INFERENCE_CRASHED' });
  const victim = await computing();
  // It waits for the same process, and gets another.
  const next = tier.read(live, [SECOND]);
  process.kill(victim, 'SIGKILL');
  await read;
  expect((await next).found).toHaveLength(1);
  expect(lost).toMatchObject([{ code: 'FW_INFERENCE_CRASHED', message: expect.stringContaining('SIGKILL') }]);
  await eventually('the end of the flights', async () => (await flightsLeft()).length === 0);
});

const onX64 = process.arch === 'x64' ? test : test.skip;

onX64('a category that kills its process takes none of those with it that were asked for beside it', async () => {
  const live = await write({ crash: { when: { input: 'category', equals: BAD } } });
  const lost: Error[] = [];
  const tier = make({ ...shared(), onError: (error) => lost.push(error) });
  await tier.read(live, [FIRST]);
  // The first goes alone, the others together.
  const wanted = [SLOW, FIRST, BAD, SECOND, ...categories.slice(10, 20)];
  const outcomes = await Promise.allSettled(wanted.map((category) => tier.read(live, [category])));
  for (const [i, outcome] of outcomes.entries()) {
    const crash = { status: 'rejected', reason: { code: 'FW_INFERENCE_CRASHED' } };
    const row = { status: 'fulfilled', value: { found: [{ category: wanted[i] }] } };
    expect(outcome).toMatchObject(wanted[i] === BAD ? crash : row);
  }
  expect(lost).toHaveLength(2);
});

test('a process that dies between two calls is replaced unnoticed', async () => {
  const live = await write();
  const tier = make();
  await tier.read(live, [FIRST]);
  for (const pid of await inferenceProcesses()) process.kill(pid, 'SIGKILL');
  expect((await tier.read(live, [SECOND])).found).toHaveLength(1);
});

test('a task that takes too long fails, and the next one works', async () => {
  const live = await write({ slow: { iterations: 1e9, when: { input: 'category', equals: SLOW } } });
  const tier = make({ limitMs: 1_500 });
  await expect(tier.read(live, [SLOW])).rejects.toMatchObject({ code: 'FW_INFERENCE_TIME_LIMIT' });
  expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
});

test('a file that is missing is told of, and one that is back answers again', async () => {
  const live = await write();
  const tier = make();
  const [file, away] = [join(system.folder, 'm.onnx'), join(system.folder, 'away.onnx')];
  renameSync(file, away);
  const missing = { code: 'FW_MODEL_FILE_MISSING', message: expect.stringContaining(file) };
  await expect(tier.read(live, [FIRST])).rejects.toMatchObject(missing);
  await expect(tier.published('m')).rejects.toMatchObject(missing);
  renameSync(away, file);
  expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
  renameSync(file, away);
  await expect(tier.read(live, [FIRST])).rejects.toMatchObject(missing);
  renameSync(away, file);
  expect((await tier.read(live, [FIRST])).found).toHaveLength(1);
});

test('a file that is another now does not answer for the one that was published, and the other way round', async () => {
  const before = await write();
  const tier = make();
  expect((await tier.read(before, [FIRST])).found).toHaveLength(1);
  const after = await write({ bias: 1 });
  await expect(tier.read(before, [FIRST])).rejects.toMatchObject({
    code: 'FW_GENERATION_NOT_HERE',
    message: expect.stringMatching(new RegExp(`${before.generation}.*${after.generation}`)),
  });
  expect(await tier.published('m')).toMatchObject({ live: { generation: after.generation } });
  const { found } = await tier.read(after, [FIRST]);
  expect(found[0]?.row.values[0]).toBe(11);
});

test('categories that the model refuses are not found, and it is told why; the others are', async () => {
  const live = await write({ poison: { input: 'category', equals: BAD } });
  const tier = make();
  const { found } = await tier.read(live, [FIRST, BAD, '', SECOND]);
  expect(found.map(({ category }) => category)).toEqual([FIRST, SECOND]);
  expect(tier.refusal(live, BAD)).toMatchObject({
    code: 'FW_VALUE_NOT_FINITE',
    message: `m: "${BAD}": prediction at day=0 hour=0 is NaN`,
  });
  expect(tier.refusal(live, '')).toMatchObject({ code: 'FW_MODEL_INPUT_VALUE' });
  expect(tier.refusal(live, FIRST)).toBeUndefined();
});

test('a model whose categories are numbers, and are not known, answers those and refuses words', async () => {
  const inputs = [
    { name: 'day', type: 'int64' as const },
    { name: 'hour', type: 'int64' as const },
    { name: 'category', type: 'int64' as const, weights: [[100]] },
  ];
  const models = [{ name: 'n', file: system.write('n.onnx', linearModel({ inputs })), axes: AXES }];
  const tier = make({ models });
  const { live } = (await tier.published('n')) as Published;
  const { found } = await tier.read(live, ['7', 'seven']);
  expect(found.map(({ category, row }) => [category, row.values[0]])).toEqual([['7', 700]]);
  expect(tier.refusal(live, 'seven')).toMatchObject({ code: 'FW_MODEL_INPUT_VALUE' });
});

test('more rows than may wait are refused at once, and those that may are answered', async () => {
  const live = await write();
  const tier = make();
  // 64 of them are no longer waiting.
  const many = Array.from({ length: 1_064 }, (_, i) => `row ${i}`);
  const [refused, computed, joined] = await Promise.allSettled([
    tier.read(live, [...many, 'one more']),
    tier.read(live, many),
    tier.read(live, many),
  ]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'FW_READER_BUSY' } });
  for (const outcome of [computed, joined]) {
    expect(outcome.status === 'fulfilled' && outcome.value.found.length).toBe(1_064);
  }
  expect(tier.computed).toBe(1_064);
});

test('the end is prompt in the middle of a run, and leaves no process', async () => {
  const live = await write({ slow: { iterations: 1e9, when: { input: 'category', equals: SLOW } } });
  const tier = make({ processes: 2 });
  await tier.read(live, [FIRST]);
  const reads = Promise.allSettled([tier.read(live, [SLOW]), tier.read(live, [SLOW, SECOND])]);
  await computing();
  await Promise.all([tier.close(), tier.close()]);
  for (const outcome of await reads) expect(outcome).toMatchObject({ reason: { code: 'FW_READER_CLOSED' } });
  await eventually('the end of the processes', async () => (await inferenceProcesses()).length === 0);
});
