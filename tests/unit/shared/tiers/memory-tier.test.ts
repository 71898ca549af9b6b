import fc from 'fast-check';
import { encodeRow, RowView } from '#shared/cache/row';
import { liveGeneration } from '#shared/tiers/live-generation';
import { MemoryTier } from '#shared/tiers/memory-tier';
import type { LiveGeneration } from '#shared/tiers/tier';

const GENERATIONS = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'];

function liveOf(model: string, generation = GENERATIONS[0] ?? '', cells = 4): LiveGeneration {
  const axes = [{ name: 'x', values: Array.from({ length: cells }, (_, i) => i) }];
  return liveGeneration('p', { model, generation, modelVersion: '1', axes, outputs: ['y'], publishedAt: undefined });
}

function rowOf({ cells, identity }: LiveGeneration, computedAtMs: number): RowView {
  const whole = Buffer.concat([identity, Buffer.alloc(2)]);
  return new RowView(
    encodeRow({ cells, outputs: 1, identity: whole }, new Float32Array(cells).fill(computedAtMs), computedAtMs),
  );
}

const live = liveOf('m');
/** What one row of the usual shape and a name of one character takes. */
const ROW_BYTES = (() => {
  const tier = new MemoryTier(1e6, Date.now);
  tier.hold(live, 'x', rowOf(live, 1));
  return tier.size.bytes;
})();

const held = (tier: MemoryTier, of = live) => tier.shelf(of).rows;
const computedAt = (tier: MemoryTier, category: string, of = live) => held(tier, of).get(category)?.row.computedAtMs;

/** What tells of its rows has to agree with itself. */
function expectConsistent(tier: MemoryTier, generations: Iterable<LiveGeneration>, maxBytes: number): void {
  const rows = [...generations].flatMap((one) => [...held(tier, one).values()]);
  expect(tier.size).toEqual({ rows: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) });
  expect(tier.size.bytes).toBeLessThanOrEqual(maxBytes);
}

const category = fc.constantFrom('a', 'b', 'c', 'd', 'eeeeeeeeee', 'f', 'g', 'hhh');
const model = fc.constantFrom('m', 'n');
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      model,
      category,
      atMs: fc.nat(20),
      cells: fc.constantFrom(1, 4, 200),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('use' as const), model, category }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), model, category, generation: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('switch' as const), model }) },
);

test('whatever is done, it never takes more bytes than it may, counts what it holds, and keeps the newer row', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.integer({ min: 0, max: 6 * ROW_BYTES }), (steps, maxBytes) => {
      const tier = new MemoryTier(maxBytes, () => 5);
      const current = new Map([
        ['m', 0],
        ['n', 0],
      ]);
      const generationOf = (name: string) => GENERATIONS[current.get(name) ?? 0];
      const now = (name: string) => liveOf(name, generationOf(name));
      for (const one of steps) {
        const of = now(one.model);
        if (one.do === 'hold') {
          const before = computedAt(tier, one.category, of);
          tier.hold(of, one.category, rowOf({ ...of, cells: one.cells }, one.atMs));
          const after = computedAt(tier, one.category, of);
          if (before !== undefined && before > one.atMs) expect(after).toBe(before);
          else expect([one.atMs, undefined]).toContain(after);
        }
        if (one.do === 'use') {
          const row = held(tier, of).get(one.category);
          if (row !== undefined) row.used = true;
        }
        if (one.do === 'drop') {
          const before = computedAt(tier, one.category, of);
          tier.drop(one.model, GENERATIONS[one.generation] ?? '', [one.category, 'nobody']);
          const meant = current.get(one.model) === one.generation;
          expect(computedAt(tier, one.category, of)).toBe(meant ? undefined : before);
        }
        if (one.do === 'switch') {
          const other = one.model === 'm' ? 'n' : 'm';
          const others = held(tier, now(other)).size;
          current.set(one.model, 1 - (current.get(one.model) ?? 0));
          expect([held(tier, now(one.model)).size, held(tier, now(other)).size]).toEqual([0, others]);
        }
        expectConsistent(tier, [now('m'), now('n')], maxBytes);
      }
    }),
    { numRuns: 300 },
  );
});

test('a row that is held says all of what the tiers below said', async () => {
  const tier = new MemoryTier(1e6, () => 77);
  const row = rowOf(live, Date.UTC(2026, 10, 25, 3, 37, 4, 5));
  tier.hold(live, 'a', row);
  const { computedAt: text, heldAtMs, row: kept, ...more } = held(tier).get('a') ?? {};
  expect([text, heldAtMs, more]).toMatchObject([
    '2026-11-25T03:37:04.005Z',
    77,
    { tier: 'memory', category: 'a', used: false },
  ]);
  expect(kept).toEqual({
    ...{ outputs: 1, cells: 4, computedAtMs: row.computedAtMs },
    identity: row.identity,
    values: row.values,
  });
  const { found, corrupt } = await tier.read(live, ['a', 'b']);
  expect([found.map(({ category: name, row: { bytes } }) => [name, bytes.equals(row.bytes)]), corrupt]).toEqual([
    [['a', true]],
    [],
  ]);
});

test('rows that are used stay while many others are asked for once', () => {
  const tier = new MemoryTier(100 * ROW_BYTES, Date.now);
  const hot = Array.from({ length: 60 }, (_, i) => String.fromCharCode(0x4e00 + i));
  const use = () => {
    for (const name of hot) {
      const row = held(tier).get(name);
      if (row !== undefined) row.used = true;
    }
  };
  for (const name of hot) tier.hold(live, name, rowOf(live, 1));
  for (let i = 0; i < 5_000; i++) {
    if (i % 20 === 0) use();
    tier.hold(live, String.fromCharCode(0x6000 + i), rowOf(live, 1));
  }
  expect(hot.filter((name) => held(tier).has(name))).toEqual(hot);
  expect(tier.size.rows).toBe(100);
});

test('rows that are used no more make room for those that are', () => {
  const tier = new MemoryTier(100 * ROW_BYTES, Date.now);
  const set = (from: number) => Array.from({ length: 80 }, (_, i) => String.fromCharCode(from + i));
  /** As a reader does: a row that is held is used, one that is not is read and held. */
  const ask = (name: string) => {
    const row = held(tier).get(name);
    if (row === undefined) tier.hold(live, name, rowOf(live, 1));
    else row.used = true;
  };
  /** Any of them, in no order: with the same numbers each time. */
  let seed = 1;
  const any = (names: readonly string[]) => {
    seed = (seed * 16_807) % 2_147_483_647;
    return names[seed % names.length] ?? '';
  };
  for (let i = 0; i < 1_000; i++) ask(any(set(0x4e00)));
  for (let i = 0; i < 5_000; i++) ask(any(set(0x6000)));
  expect(set(0x6000).filter((name) => held(tier).has(name)).length).toBeGreaterThan(76);
});

test('of rows that nobody used the oldest goes first', () => {
  const tier = new MemoryTier(3 * ROW_BYTES, Date.now);
  for (const name of ['a', 'b', 'c', 'd']) tier.hold(live, name, rowOf(live, 1));
  expect([...held(tier).keys()]).toEqual(['b', 'c', 'd']);
});

test('a row that is larger than all that may be held is not held, and no older one in its place', () => {
  const tier = new MemoryTier(2 * ROW_BYTES, Date.now);
  tier.hold(live, 'a', rowOf(live, 1));
  tier.hold(live, 'b', rowOf(live, 1));
  tier.hold(live, 'a', rowOf({ ...live, cells: 10_000 }, 2));
  expect([...held(tier).keys()]).toEqual(['b']);
});

test('rows of the time before the live generation are let go with their bytes, and what is gone stays gone', async () => {
  const tier = new MemoryTier(1e6, Date.now);
  tier.hold(live, 'a', rowOf(live, 1));
  tier.hold(liveOf('n'), 'a', rowOf(live, 1));
  const next = liveOf('m', GENERATIONS[1]);
  expect((await tier.read(next, ['a'])).found).toEqual([]);
  tier.hold(next, 'b', rowOf(next, 2));
  expect([tier.size, (await tier.read(live, ['a'])).found]).toEqual([{ rows: 2, bytes: 2 * ROW_BYTES }, []]);
  expect((await tier.read(liveOf('n'), ['a'])).found).toHaveLength(1);
});

test('when it is closed it holds nothing any more', async () => {
  const tier = new MemoryTier(1e6, Date.now);
  tier.hold(live, 'a', rowOf(live, 1));
  await tier.close();
  tier.hold(live, 'b', rowOf(live, 1));
  expect(tier.size).toEqual({ rows: 0, bytes: 0 });
  await expect(tier.read(live, ['a'])).rejects.toMatchObject({ code: 'FW_READER_CLOSED' });
});
