import { setTimeout as delay } from 'node:timers/promises';
import { encodeRow, RowView } from '#shared/cache/row';
import { ForewarmError } from '#shared/errors';
import type { GuardedTier } from '#shared/predictor/guarded-tier';
import { TierBudget } from '#shared/predictor/tier-budget';
import { WriteBack } from '#shared/predictor/write-back';
import { liveGeneration } from '#shared/tiers/live-generation';
import type { CorruptRow, FoundRow, LiveGeneration } from '#shared/tiers/tier';

const facts = { model: 'm', modelVersion: '1', axes: [], outputs: ['y'], publishedAt: undefined };
const [LIVE, NEXT] = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'].map((generation) =>
  liveGeneration('p', { ...facts, generation }),
) as [LiveGeneration, LiveGeneration];

const bytes = encodeRow({ cells: 1, outputs: 1, identity: Buffer.alloc(8) }, new Float32Array(1), 1);
const rowsNamed = (names: readonly string[]): FoundRow[] =>
  names.map((category) => ({ category, row: new RowView(bytes) }));
const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => `row ${from + i}`);

/** Until everything that was settled has been heard of. */
const turn = () => new Promise(setImmediate);

interface Fill {
  readonly generation: string;
  readonly names: readonly string[];
  readonly corrupt: readonly string[];
  end(error?: Error): void;
}

/** A tier that takes rows when a test says so. */
function takingTier(): { guarded: GuardedTier; fills: Fill[] } {
  const fills: Fill[] = [];
  const tier: GuardedTier['tier'] = {
    name: 'redis',
    read: async () => ({ found: [], corrupt: [] }),
    close: async () => undefined,
    fill: (live: LiveGeneration, rows: readonly FoundRow[], corrupt: readonly CorruptRow[]) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
        const [names, bad] = [rows, corrupt].map((list) => list.map(({ category }) => category)) as [
          string[],
          string[],
        ];
        fills.push({ generation: live.generation, names, corrupt: bad, end });
      }),
  };
  const budget = new TierBudget(60_000);
  return { guarded: { tier, budgetOf: () => budget }, fills };
}

function writeBack() {
  const errors: [string, string][] = [];
  const back = new WriteBack((error, tier) => errors.push([tier, error.message]));
  return { back, errors };
}

test('rows are written one write at a time, in their order, those that come meanwhile together', async () => {
  const { back } = writeBack();
  const { guarded, fills } = takingTier();
  back.fill(guarded, LIVE, rowsNamed(['a']));
  for (const name of ['b', 'c', 'd']) back.fill(guarded, LIVE, rowsNamed([name]));
  await turn();
  expect(fills.map(({ names }) => names)).toEqual([['a']]);
  fills[0]?.end();
  await turn();
  expect(fills.map(({ names }) => names)).toEqual([['a'], ['b', 'c', 'd']]);
  fills[1]?.end();
  await back.close();
  expect(back.rows).toBe(4);
});

test('rows of two generations do not share a write, nor is their order changed', async () => {
  const { back } = writeBack();
  const { guarded, fills } = takingTier();
  back.fill(guarded, LIVE, rowsNamed(['a']));
  back.fill(guarded, LIVE, rowsNamed(['b']));
  back.fill(guarded, NEXT, rowsNamed(['b', 'c']));
  back.fill(guarded, LIVE, rowsNamed(['d']));
  for (let i = 0; i < 4; i++) {
    await turn();
    fills[i]?.end();
  }
  await back.close();
  expect(fills.map(({ generation, names }) => [generation, names.join()])).toEqual([
    [LIVE.generation, 'a'],
    [LIVE.generation, 'b'],
    [NEXT.generation, 'b,c'],
    [LIVE.generation, 'd'],
  ]);
});

test('what is corrupt goes with its row, and with no other', async () => {
  const { back } = writeBack();
  const { guarded, fills } = takingTier();
  const corrupt = (category: string): CorruptRow => ({ category, bytes: Buffer.alloc(1), fault: 'length' });
  back.fill(guarded, LIVE, rowsNamed(['a', 'b']), [corrupt('b'), corrupt('not found anywhere')]);
  back.fill(guarded, LIVE, rowsNamed(['c']), []);
  await turn();
  fills[0]?.end();
  await turn();
  fills[1]?.end();
  await back.close();
  expect(fills.map(({ corrupt: bad }) => bad)).toEqual([['b'], []]);
});

test('no more than 2,000 rows wait, 256 go at once, and those that are too many are left out', async () => {
  const { back } = writeBack();
  const { guarded, fills } = takingTier();
  for (let from = 0; from < 10_000; from += 500) back.fill(guarded, LIVE, rowsNamed(numbered(from, 500)));
  for (let i = 0; i < 20; i++) {
    await turn();
    fills[i]?.end();
  }
  await back.close();
  const written = fills.flatMap(({ names }) => names);
  expect(Math.max(...fills.map(({ names }) => names.length))).toBe(256);
  expect(written.length).toBeGreaterThanOrEqual(2_000);
  expect(written.length).toBeLessThanOrEqual(2_256);
  expect(written).toEqual(numbered(0, written.length));
  expect(back.rows).toBe(written.length);
});

test('after an error nothing that waits is written, and for a while nothing that comes; it is told once', async () => {
  const { back, errors } = writeBack();
  const { guarded, fills } = takingTier();
  back.fill(guarded, LIVE, rowsNamed(['a']));
  back.fill(guarded, LIVE, rowsNamed(['b']));
  await turn();
  fills[0]?.end(new Error('READONLY'));
  await turn();
  for (let i = 0; i < 100; i++) back.fill(guarded, LIVE, rowsNamed(['c']));
  await back.close();
  expect([fills.length, errors, back.rows]).toEqual([1, [['redis', 'READONLY']], 0]);
});

test('an error of one tier does not keep rows from another', async () => {
  const { back } = writeBack();
  const [one, two] = [takingTier(), takingTier()];
  const other: GuardedTier = { ...two.guarded, tier: { ...two.guarded.tier, name: 'postgres' } };
  back.fill(one.guarded, LIVE, rowsNamed(['a']));
  await turn();
  one.fills[0]?.end(new Error('READONLY'));
  await turn();
  back.fill(other, LIVE, rowsNamed(['a']));
  await turn();
  two.fills[0]?.end();
  await back.close();
  expect(back.rows).toBe(1);
});

test('a tier that rests, or takes no rows, is given none', async () => {
  const { back, errors } = writeBack();
  const { guarded, fills } = takingTier();
  const broken = new ForewarmError('FW_REDIS_UNAVAILABLE', 'no');
  for (let i = 0; i < 5; i++)
    await guarded
      .budgetOf('m')
      .spend(() => Promise.reject(broken))
      .catch(() => undefined);
  back.fill(guarded, LIVE, rowsNamed(['a']));
  const {
    tier: { fill: _, ...only },
    budgetOf,
  } = takingTier().guarded;
  back.fill({ tier: only, budgetOf }, LIVE, rowsNamed(['a']));
  guarded.budgetOf('m').close();
  await back.close();
  expect([fills, errors, back.rows]).toEqual([[], [], 0]);
});

test('its end waits for what is written, and not for all that a slow tier would have to take yet', async () => {
  const { back, errors } = writeBack();
  const { guarded, fills } = takingTier();
  back.fill(guarded, LIVE, rowsNamed(numbered(0, 2_000)));
  await turn();
  let closed = false;
  const closing = back.close().then(() => {
    closed = true;
  });
  // Each write takes nearly as long as it may.
  for (let i = 0; i < 8 && !closed; i++) {
    await delay(900);
    fills[i]?.end();
    await turn();
  }
  await closing;
  expect([fills.length > 1, fills.length < 6, errors]).toEqual([true, true, []]);
});
