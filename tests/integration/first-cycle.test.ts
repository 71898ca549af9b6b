import { newCycleId } from '#jobs/cycle/cycle-id';
import type { Metadata } from '#shared/cache/pointer';
import { HistoryStore } from '#shared/store/history-store';
import { firstCycle } from '#workers/first-cycle';
import { TestSystem } from '../support/system';

/** What `up` waits for. */

jest.setTimeout(60_000);

const NOW_MS = Date.UTC(2026, 10, 25);
/** Two cycles of one second, as a run and the next one on the same folder may have. */
const [EARLIER, LATER] = [newCycleId(NOW_MS), newCycleId(NOW_MS + 900)];

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start();
  await system.cache().writeMetadata(metadataOf(EARLIER), undefined);
});
afterAll(() => system.stop());

test('a cycle that is known already is not taken for the one that is waited for', async () => {
  await expect(wait(EARLIER, 200)).rejects.toMatchObject({
    code: 'FW_CHECK_FAILED',
    message: 'no cycle of m was published within 0.2 s: no cycle began',
  });
  const waiting = wait(EARLIER, 30_000);
  await system.cache().writeMetadata(metadataOf(LATER), undefined);
  expect(await waiting).toMatchObject({ cycle: LATER });
});

test('where none is known any will do', async () => {
  expect(await wait(undefined, 30_000)).toMatchObject({ state: 'complete' });
});

function wait(known: string | undefined, limitMs: number): Promise<Metadata> {
  const context = { cache: () => system.cache(), history: new HistoryStore(system.pool) };
  return firstCycle(context, 'm', known, limitMs, new AbortController().signal);
}

function metadataOf(cycle: string): Metadata {
  const counts = { rows: 1, expected: 1, failed: 0, duration_s: 0.1, state: 'complete' } as const;
  return { cycle, generation: '0123456789ab', last_updated: new Date(NOW_MS).toISOString(), ...counts };
}
