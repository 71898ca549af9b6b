import { type DaemonProcess, isAlive } from '../support/daemon-process';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** Inference processes that die or hang, and categories that a model cannot answer. */

jest.setTimeout(90_000);

const categories = someCategories(8);
/** Never the first: the model is tried on that one at the start. */
const [, , , , SLOW = '', BAD = ''] = categories;
const slow = (iterations: number) => ({ slow: { iterations, when: { input: 'category', equals: SLOW } } });

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('a process killed in mid-batch is replaced, and its batch is computed again', async () => {
  system.configureSmall(categories, { model: slow(400_000), every: '1h', batchSize: 4, settings: twoProcesses() });
  const daemon = system.daemon();
  await system.recorded(({ state }) => state === 'running');
  const victim = await daemon.computing();
  process.kill(victim, 'SIGKILL');
  const lost = await daemon.logged(({ message }) => message.startsWith('inference process lost'));
  expect(lost).toMatchObject({ code: 'FW_INFERENCE_CRASHED', error: expect.stringContaining('SIGKILL') });
  const retried = await daemon.logged(({ message }) => message === 'job failed, it will be retried');
  expect(retried).toMatchObject({ job: 'warm-batch', attempt: '1/3', code: 'FW_INFERENCE_CRASHED', model: 'm' });
  expect(await daemon.cycle()).toMatchObject({ rows: 8, computed: 8, durable: 8 });
  const children = await daemon.children();
  expect(children).toHaveLength(2);
  expect(children).not.toContain(victim);
});

test('a process that stops answering is killed at inference.timeLimit, and its batch is computed again', async () => {
  system.configureSmall(categories, { model: slow(200_000), every: '1h', settings: twoProcesses('8s') });
  const daemon = system.daemon();
  await system.recorded(({ state }) => state === 'running');
  const victim = await daemon.computing();
  process.kill(victim, 'SIGSTOP');
  const lost = await daemon.logged(({ message }) => message.startsWith('inference process lost'));
  expect(lost).toMatchObject({ code: 'FW_INFERENCE_TIME_LIMIT', error: expect.stringContaining('8000 ms') });
  expect(await daemon.cycle()).toMatchObject({ rows: 8, computed: 8, durable: 8 });
  expect(await isAlive(victim)).toBe(false);
  await expectMetric(daemon, 'forewarm_inference_processes_lost_total{code="FW_INFERENCE_TIME_LIMIT"} 1');
});

test('a batch that takes too long each time fails for good with FW_INFERENCE_TIME_LIMIT, and no other with it', async () => {
  system.configureSmall(categories, {
    model: slow(1e9),
    every: '1h',
    batchSize: 1,
    settings: twoProcesses('2s'),
  });
  const daemon = system.daemon();
  const cycle = await daemon.cycle('degraded');
  expect(cycle).toMatchObject({ rows: 8, computed: 7, failed: 1, live: expect.any(String) });
  expect(cycle.reason).toMatch(/^1 row failed: batch 4 .*FW_INFERENCE_TIME_LIMIT: .* took longer than 2000 ms$/);
  const attempts = daemon.lines.filter(({ code, job }) => code === 'FW_INFERENCE_TIME_LIMIT' && job === 'warm-batch');
  expect(attempts.map(({ attempt }) => attempt)).toEqual(['1/3', '2/3', '3/3']);
  const { rows } = await system.pool.query(
    `SELECT number, state, error FROM forewarm.batch WHERE state <> 'complete' ORDER BY number`,
  );
  expect(rows).toEqual([{ number: 4, state: 'failed', error: expect.stringContaining('FW_INFERENCE_TIME_LIMIT') }]);
  const generation = (await system.cache().pointer())?.generation ?? '';
  expect(await system.cache().missing(generation, categories)).toEqual([SLOW]);
});

test('a category with NaN keeps its old row, the others get new ones, and last_updated stays', async () => {
  system.configureSmall(categories, { model: { poison: { input: 'category', equals: BAD } }, every: '1s' });
  const daemon = system.daemon();
  const first = await daemon.cycle('degraded');
  const generation = String(first.live);
  expect(await system.cache().missing(generation, categories)).toEqual([BAD]);

  // An old row, as a restore of a backup would bring it.
  const { keys } = system.cache();
  const donor = await system.client.getBuffer(keys.row(generation, SLOW));
  await system.client.set(keys.row(generation, BAD), donor ?? '');
  const [before, metadata] = [await system.rows(generation, categories), await system.cache().metadata()];
  // The first that ends may have begun before.
  await daemon.cycle('degraded', daemon.mark);
  const cycle = await daemon.cycle('degraded', daemon.mark);
  expect(cycle).toMatchObject({ computed: 7, failed: 1, live: generation });
  expect(cycle.reason).toBe(`1 row failed: ${BAD}: prediction at day=0 hour=0 is NaN`);
  const after = await system.rows(generation, categories);
  for (const category of categories) {
    const same = after.get(category)?.equals(before.get(category) ?? Buffer.alloc(0));
    expect(`${category} ${same}`).toBe(`${category} ${category === BAD}`);
  }
  const metadataAfter = await eventually('metadata of the cycle', async () => {
    const now = await system.cache().metadata();
    return now?.cycle !== metadata?.cycle && now;
  });
  expect(metadataAfter).toMatchObject({ state: 'degraded', last_updated: metadata?.last_updated });
  const { rows } = await system.pool.query('SELECT failures FROM forewarm.batch WHERE cycle = $1', [cycle.cycle]);
  expect(rows[0].failures).toMatchObject([{ category: BAD, code: 'FW_VALUE_NOT_FINITE' }]);
});

test('a new model with a category that fails does not replace the live one', async () => {
  system.configureSmall(categories, { every: '1s' });
  const daemon = system.daemon();
  const { live } = await daemon.cycle();
  system.write('m.onnx', smallModel(categories, { poison: { input: 'category', equals: BAD } }));
  const cycle = await daemon.cycle('degraded');
  expect(cycle).toMatchObject({ live, failed: 1, computed: 7 });
  expect(cycle.reason).toMatch(
    /generation not published: gate finite: 1 value is not finite; gate coverage: 1 row of 8 missing: "category 00005"$/,
  );
  expect(await system.cache().pointer()).toMatchObject({ generation: live, previous: null });
  expect(await system.cache().missing(String(live), categories)).toEqual([]);
});

function twoProcesses(timeLimit = '60s') {
  return { inference: { processes: 2, timeLimit } };
}

async function expectMetric(daemon: DaemonProcess, line: string): Promise<void> {
  const text = await (await fetch(`${await daemon.url()}/metrics`)).text();
  expect(text.split('\n')).toContain(line);
}
