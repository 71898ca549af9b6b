import type { CycleRecord } from '#shared/store/history-store';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A cycle that takes longer than its period. */

jest.setTimeout(90_000);

const categories = someCategories(6);
/** Some periods of a second, also on a quick machine. The category is not the one that the model is tried on at the start. */
const SLOW = { slow: { iterations: 500_000, when: { input: 'category', equals: categories[4] ?? '' } } };

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('a tick that finds a cycle running is recorded as skipped, and names that cycle', async () => {
  system.configureSmall(categories, { model: SLOW, every: '1s' });
  const daemon = system.daemon();
  await daemon.cycle();
  const line = await daemon.logged(({ message }) => message === 'cycle skipped');
  await daemon.cycle('complete', daemon.mark);
  await daemon.cycle('complete', daemon.mark);
  await daemon.stop();

  const cycles = await system.history();
  const skipped = cycles.filter(({ state }) => state === 'skipped');
  expect(skipped.length).toBeGreaterThanOrEqual(2);
  expect(skipped.map(({ reason }) => reason)).toContain(line.reason);
  for (const skip of skipped) {
    const running = cycles.find(({ id }) => skip.reason === `cycle ${id} still runs`);
    expect(skip).toMatchObject({ trigger: 'schedule', generation: null, batches: 0, computed: 0 });
    expect(running?.state).not.toBe('skipped');
    expect(running?.startedAt.getTime()).toBeLessThanOrEqual(skip.startedAt.getTime());
    // A cycle gives its model back a moment after the end that is recorded of it, and no other can begin before.
    const next = cycles.find(({ state, startedAt }) => state !== 'skipped' && startedAt > (running?.startedAt ?? 0));
    expect(next?.startedAt.getTime() ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(skip.startedAt.getTime());
  }
  expectOneAtATime(cycles);
});

test('with overlap: queue exactly one more cycle follows the running one, however many ticks came', async () => {
  system.configureSmall(categories, { model: SLOW, every: '1h', overlap: 'queue' });
  const daemon = system.daemon();
  const { id: first } = await system.recorded(({ state }) => state === 'running');
  const ticks = system.queue('warm');
  for (let i = 0; i < 3; i++) await ticks.add('warm', { model: 'm', trigger: 'schedule' });
  await eventually('the ticks', async () => (await ticks.getJobCountByTypes('completed')) === 3);
  expect((await system.history()).map(({ id, state }) => ({ id, state }))).toEqual([{ id: first, state: 'running' }]);

  await daemon.logged(({ message, trigger }) => message === 'cycle complete' && trigger === 'schedule');
  await eventually('the end of all ticks', async () => (await ticks.getJobCountByTypes('completed')) === 4);
  await daemon.stop();
  const cycles = await system.history();
  expect(cycles.map(({ trigger, state }) => `${trigger} ${state}`)).toEqual(['startup complete', 'schedule complete']);
  expectOneAtATime(cycles);
});

function expectOneAtATime(cycles: readonly CycleRecord[]): void {
  const ran = cycles.filter(({ state }) => state !== 'skipped');
  ran.slice(1).forEach((cycle, i) => {
    const before = ran[i]?.finishedAt?.getTime() ?? Number.POSITIVE_INFINITY;
    expect(cycle.startedAt.getTime()).toBeGreaterThanOrEqual(before);
  });
}
