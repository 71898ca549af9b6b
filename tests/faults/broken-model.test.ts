import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Enqueuer } from '#jobs/enqueue';
import { requestWarm } from '#jobs/on-demand';
import { registry } from '#jobs/registry';
import { say } from '../slow/cli/command';
import type { DaemonProcess } from '../support/daemon-process';
import { SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';

/** Two models in one daemon, and one of them breaks: the other goes on, and the broken one costs little until it is mended. */

jest.setTimeout(180_000);

const categories = someCategories(8);
/** One in each batch of two, but not the one that the model is tried on when it is loaded. */
const when = { input: 'category', equals: categories.filter((_, i) => i % 2 === 1) };
const PERIOD_MS = 2_000;
const LIMIT_MS = 3_000;
const crashing = { crash: { when } };
/** Elsewhere no model is known that kills its process. */
const testOnX64 = process.arch === 'x64' ? test : test.skip;

let system: TestSystem;
let daemon: DaemonProcess;

beforeEach(async () => {
  system = await TestSystem.start({
    settings: { inference: { processes: 2, timeLimit: `${LIMIT_MS}ms` }, watchdog: { every: '1s' } },
  });
  for (const name of ['good', 'bad']) system.write(`${name}.onnx`, smallModel(categories, { note: name }));
  const model = { axes: SMALL_AXES, categories, every: '2s' };
  // More batches than there are processes.
  system.configure({ good: { ...model, file: 'good.onnx' }, bad: { ...model, file: 'bad.onnx', batchSize: 2 } });
});
afterEach(() => system.stop());

const file = () => join(system.folder, 'bad.onnx');
const breaks: readonly (readonly [string, string, () => void])[] = [
  ['is no ONNX file any more', 'FW_MODEL_NOT_ONNX', () => system.write('bad.onnx', 'half of a file')],
  ['has lost its file', 'FW_MODEL_FILE_MISSING', () => rmSync(file())],
  ['kills the process that loads it', 'FW_INFERENCE_CRASHED', () => write({ crash: 'load' })],
  ['kills the process that runs it', 'FW_INFERENCE_CRASHED', () => write(crashing)],
  ['never ends being loaded', 'FW_INFERENCE_TIME_LIMIT', () => write({ slow: { iterations: 1e9 } })],
  ['never ends being run', 'FW_INFERENCE_TIME_LIMIT', () => write({ slow: { iterations: 1e9, when } })],
];

for (const [how, code, break_] of breaks) {
  const run = code === 'FW_INFERENCE_CRASHED' ? testOnX64 : test;
  run(`a model that ${how} is left alone after three tries; the other goes on; mended it is back`, async () => {
    await startBoth();
    const { generation: live } = (await system.cache('bad').pointer()) ?? {};
    const mark = daemon.mark;
    break_();
    const told = await daemon.logged(({ message }) => message.startsWith('the model is broken'), { after: mark });
    expect(told).toMatchObject({ level: 'error', model: 'bad', tries: 3, code, next: expect.stringContaining('Mend') });
    const broken = new Date();
    await others(5);

    // What never ends can hold every process once, for as long as it may.
    await expectUndisturbed(code === 'FW_INFERENCE_TIME_LIMIT' ? LIMIT_MS : 0);
    const { bad, good } = await status();
    expect(good.broken).toBe(null);
    expect(bad).toMatchObject({ live, rows: 8, broken: { code, since: expect.any(String) } });
    const { problems } = JSON.parse((await say(['queues', '--json'], system.folder)).stdout);
    expect(problems).toContainEqual(expect.stringContaining('the model bad is broken'));
    const later = (await system.history('bad')).filter(({ startedAt }) => startedAt > broken);
    // After one period, and two more, and four more; not at each tick.
    expect(later.length).toBeLessThanOrEqual(3);
    expect(await metric()).toEqual(['forewarm_model_broken{model="bad"} 1', 'forewarm_model_broken{model="good"} 0']);
    const records = (await system.history('bad')).filter(({ reason }) => reason?.includes('the model is broken'));
    expect(records[0]).toMatchObject({ state: 'failed', reason: expect.stringMatching(/3 tries in a row failed/) });
    const noise = daemon.lines.slice(mark).filter(({ message }) => !message.startsWith('cycle '));
    expect(noise.length).toBeLessThan(20);

    const mended = daemon.mark;
    write({ bias: 5 });
    const back = await daemon.logged(({ message, model }) => message === 'generation published' && model === 'bad', {
      after: mended,
    });
    expect(back.previous).toBe(live);
    // At its next tick, not after the pause.
    const ticks = daemon.lines
      .slice(mended)
      .filter(({ message, model }) => message.startsWith('cycle ') && model === 'good');
    expect(ticks.length).toBeLessThanOrEqual(3);
    expect((await status()).bad.broken).toBe(null);
  });
}

test('a model with nothing but NaN is not broken: its cycles fail, its old rows stay, and the other goes on', async () => {
  await startBoth();
  const { generation: live } = (await system.cache('bad').pointer()) ?? {};
  write({ poison: { input: 'day', equals: 2 } });
  for (let i = 0; i < 4; i++) {
    await daemon.logged(({ message, model }) => message === 'cycle failed' && model === 'bad', { after: daemon.mark });
  }
  await expectUndisturbed();
  const { bad, good } = await status();
  expect(bad).toMatchObject({ live, rows: 8, broken: null });
  expect(bad.cycles[1]).toMatchObject({ state: 'failed', reason: expect.stringContaining('NaN') });
  expect(good.cycles[1]).toMatchObject({ state: 'complete', reason: null });
});

testOnX64('a broken model is tried on demand, and what it came to is told', async () => {
  await startBoth();
  write(crashing);
  await daemon.logged(({ message }) => message.startsWith('the model is broken'));
  const enqueue = new Enqueuer(registry.definitions, system.client, 'forewarm', () => undefined);
  await requestWarm(enqueue, { categories }, { model: 'bad' }, 'command');
  const asked = await daemon.logged(({ message, trigger }) => message === 'cycle failed' && trigger === 'command');
  expect(asked.reason).toMatch(/FW_INFERENCE_CRASHED.*SIGFPE.*the model is broken: \d+ tries in a row failed/);
  // Some rows of it can be computed: it is not the model as a whole.
  await requestWarm(enqueue, { categories }, { model: 'bad', categories: categories.slice(0, 1) }, 'command');
  await daemon.logged(({ message }) => message === 'the model works again');
  await enqueue.close();
  expect((await status()).bad.broken).toBe(null);
});

test('a model that cannot be loaded at the start ends the start, and it is said which ones are fine', async () => {
  system.write('bad.onnx', 'half of a file');
  const refused = await say(['start'], system.folder);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(
    /^error FW_MODEL_NOT_ONNX: models\.bad\.file: [^\n]*\n {2}these are fine: good\n {2}Export /,
  );
  expect(await system.client.dbsize()).toBe(0);
});

function write(more: Parameters<typeof smallModel>[1]): void {
  system.write('bad.onnx', smallModel(categories, { note: 'bad', ...more }));
}

async function startBoth(): Promise<void> {
  daemon = system.daemon();
  for (const name of ['good', 'bad']) {
    await daemon.logged(({ message, model, trigger }) => {
      return message === 'cycle complete' && model === name && trigger === 'schedule';
    });
  }
}

/** So many cycles of the good one from now on. */
async function others(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await daemon.logged(({ message, model }) => message.startsWith('cycle ') && model === 'good', {
      after: daemon.mark,
    });
  }
}

/** The good one has had a complete cycle in each period, but for one time that it may have been held up. */
async function expectUndisturbed(heldUpMs = 0): Promise<void> {
  const cycles = await system.history('good');
  const others = new Set(cycles.slice(0, -1).map(({ state }) => state));
  others.delete('complete');
  if (heldUpMs > 0) others.delete('skipped');
  expect([...others]).toEqual([]);
  const complete = cycles.filter(({ state, trigger }) => state === 'complete' && trigger === 'schedule');
  const scheduled = complete.map(({ startedAt }) => startedAt.getTime());
  const gaps = scheduled.slice(1).map((time, i) => time - (scheduled[i] ?? 0));
  const [longest = 0, ...shorter] = gaps.sort((a, b) => b - a);
  expect(longest).toBeLessThan(2 * PERIOD_MS + heldUpMs);
  expect(shorter.filter((gap) => gap >= 2 * PERIOD_MS)).toEqual([]);
}

async function status() {
  const { models } = JSON.parse((await say(['status', '--json'], system.folder)).stdout);
  return Object.fromEntries(models.map((model: { model: string }) => [model.model, model]));
}

async function metric(): Promise<string[]> {
  const text = await (await fetch(`${await daemon.url()}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('forewarm_model_broken{'))
    .sort();
}
