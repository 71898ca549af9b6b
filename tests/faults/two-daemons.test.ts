import type { CycleRecord } from '#shared/store/history-store';
import { type DaemonProcess, errorsIn } from '../support/daemon-process';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** Two daemons on one queue do the work of one. */

jest.setTimeout(120_000);

const categories = someCategories(12);
const PERIOD_MS = 1_000;

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
});
afterEach(() => system.stop());

test('two daemons on one queue run one cycle a period between them', async () => {
  system.configureSmall(categories, { every: '1s', batchSize: 2 });
  const daemons = [system.daemon(), system.daemon()];
  await running(daemons);
  const began = new Date();
  const later = (await ended(began, 6)).filter(({ trigger }) => trigger === 'schedule');
  expectOneAtATime(await system.history());

  const gaps = later.slice(1).map((cycle, i) => cycle.startedAt.getTime() - (later[i]?.startedAt.getTime() ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  // The grid of the schedule is exact; when a tick gets its turn is not.
  expect(mean).toBeGreaterThan(0.8 * PERIOD_MS);
  expect(mean).toBeLessThan(1.5 * PERIOD_MS);
  const { rows } = await system.pool.query<{ n: string }>(
    'SELECT count(*) AS n FROM forewarm.cycle WHERE trigger = $1',
    ['startup'],
  );
  expect(Number(rows[0]?.n)).toBeLessThanOrEqual(2);
  for (const daemon of daemons) expect(errorsIn(daemon.lines)).toEqual([]);
});

test('when one of them is killed the other goes on', async () => {
  system.configureSmall(categories, {
    every: '1s',
    batchSize: 2,
    // Long enough to be in the middle of; the model is tried on another category.
    model: { slow: { iterations: 20_000, when: { input: 'category', equals: categories[5] ?? '' } } },
  });
  const [victim, other] = [system.daemon(), system.daemon()];
  await running([victim, other]);
  await victim.computing(2);
  await victim.stop('SIGKILL');
  const killed = new Date();
  await other.cycle('complete', other.mark);
  await ended(killed, 3);
  expectOneAtATime(await system.history());
  expect(errorsIn(other.lines)).toEqual([]);

  // What the victim held is finished or given up, not left behind.
  await eventually('no cycle but the last to be running', async () => {
    const cycles = await system.history();
    return cycles.slice(0, -2).every(({ state }) => state !== 'running');
  });
});

test('both see a new model file at once: it is published once, and no other cycle fails', async () => {
  system.configureSmall(categories, { every: '1s', batchSize: 2 });
  const daemons = [system.daemon(), system.daemon()];
  await running(daemons);
  let live = await eventually('a first generation', async () => (await system.cache().pointer())?.generation);
  for (const bias of [100, 200, 300]) {
    system.write('m.onnx', smallModel(categories, { bias }));
    const before = live;
    live = await eventually('the new generation to be live', async () => {
      const { generation = before } = (await system.cache().pointer()) ?? {};
      return generation !== before && generation;
    });
    expect((await system.rows(live, categories)).size).toBe(categories.length);
  }
  const flips = daemons.flatMap(({ lines }) => lines.filter(({ message }) => message === 'generation published'));
  const generations = flips.map(({ generation }) => generation);
  expect(new Set(generations).size).toBe(generations.length);
  // A cycle in whose midst the file is replaced is given up, and the next one has the new model.
  for (const { lines } of daemons)
    expect(errorsIn(lines).filter(({ code }) => code !== 'FW_MODEL_CHANGED')).toEqual([]);
});

async function running(daemons: readonly DaemonProcess[]): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.logged(({ message }) => message === 'forewarm is running')));
}

/** The cycles that began after `since`, once `count` of them have ended. */
async function ended(since: Date, count: number): Promise<CycleRecord[]> {
  return eventually(`${count} cycles`, async () => {
    const cycles = await system.history();
    const found = cycles.filter(({ startedAt, state }) => startedAt >= since && state === 'complete');
    return found.length >= count && found;
  });
}

function expectOneAtATime(cycles: readonly CycleRecord[]): void {
  const ran = cycles.filter(({ state }) => state !== 'skipped');
  ran.slice(1).forEach((cycle, i) => {
    const before = ran[i]?.finishedAt?.getTime() ?? Number.POSITIVE_INFINITY;
    expect(cycle.startedAt.getTime()).toBeGreaterThanOrEqual(before);
  });
}
