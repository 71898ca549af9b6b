import type { JobContext } from '#jobs/context';
import { steadyClock } from '#shared/clock';
import type { RecentCycle } from '#shared/store/history-store';
import { HistoryObserver } from '#workers/alerts/observers/history-observer';

/** What the last cycles of a model mean, by what the run history has of them, the newest first. */

const BACK_MS = 10_000;

/** @param cycles each with its age in milliseconds */
async function levelOf(cycles: readonly (readonly [state: string, ageMs: number])[], backAgoMs?: number) {
  const recent = cycles.map(([state, ageMs], i) => ({
    ...{ id: `c${i}`, model: 'm', state, ageMs },
    ...{ reason: state === 'complete' ? null : 'no durable copy', durationMs: 100 },
  })) as RecentCycle[];
  const context = {
    config: { alerts: { failedCycles: 3, cycleDeadlineMs: 60_000 } },
    models: { names: ['m'], configured: () => ({ name: 'm', everyMs: 20_000 }) },
    history: { recent: async () => recent },
  } as unknown as JobContext;
  const backMs = backAgoMs === undefined ? undefined : steadyClock.now() - backAgoMs;
  const found = await new HistoryObserver(context, () => backMs).observe();
  return found.find(({ condition }) => condition === 'cycles-failing')?.level;
}

const degraded = (...ages: number[]) => ages.map((age) => ['degraded', age] as const);

test('so many that failed or were degraded in a row are bad, and one that is complete among them is not', async () => {
  expect(await levelOf([...degraded(1_000, 2_000), ['failed', 3_000]])).toBe('bad');
  expect(await levelOf(degraded(1_000, 2_000))).toBe('good');
  expect(await levelOf([['complete', 500], ...degraded(1_000, 2_000)])).toBe('good');
  expect(await levelOf([...degraded(1_000, 2_000), ['complete', 3_000]])).toBe('good');
});

describe('those that began before PostgreSQL was back', () => {
  test('say nothing, neither that it is bad nor that it is well', async () => {
    expect(await levelOf(degraded(11_000, 12_000, 13_000), BACK_MS)).toBe('unknown');
  });

  test('do not count, where the next one is degraded as well', async () => {
    expect(await levelOf(degraded(5_000, 12_000, 13_000), BACK_MS)).toBe('unknown');
    expect(await levelOf(degraded(3_000, 5_000, 13_000), BACK_MS)).toBe('unknown');
    expect(await levelOf(degraded(1_000, 3_000, 5_000), BACK_MS)).toBe('bad');
  });

  test('and the first that is complete is', async () => {
    expect(await levelOf([['complete', 5_000], ...degraded(12_000, 13_000)], BACK_MS)).toBe('good');
  });
});
