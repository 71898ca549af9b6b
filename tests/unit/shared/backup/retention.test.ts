import fc from 'fast-check';
import { expired, type Kept } from '#shared/backup/retention';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 10, 26, 12);
const KEEP = { last: 7, daily: 14, weekly: 8 };
const never = (): boolean => false;

function backup(sequence: number, ageMs: number, more: Partial<Kept> = {}): Kept {
  const startedAt = new Date(NOW_MS - ageMs).toISOString();
  return { file: `backup ${sequence}`, sequence, missing: 0, scope: 'live', startedAt, ...more };
}

/** One each day for so many days, the newest today. */
const daily = (days: number) => Array.from({ length: days }, (_, i) => backup(days - i, i * DAY_MS));
const ages = (backups: readonly Kept[]) =>
  backups.map(({ startedAt }) => Math.round((NOW_MS - Date.parse(startedAt)) / DAY_MS)).sort((a, b) => a - b);

function kept(backups: readonly Kept[], keep = KEEP, isHeld: (backup: Kept) => boolean = never): Kept[] {
  const gone = new Set(expired(backups, keep, isHeld));
  return backups.filter((one) => !gone.has(one));
}

test('one a day for a year: the last two weeks of days, and the newest of each of eight weeks', () => {
  // 26 November 2026 is a Thursday: Sundays are 4, 11, 18... days ago.
  expect(ages(kept(daily(365)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 18, 25, 32, 39, 46]);
});

test('many on one day: the last ones, and one of each day before', () => {
  const many = [...Array.from({ length: 20 }, (_, i) => backup(100 - i, i * 60_000)), ...daily(5)];
  const left = kept(many);
  expect(left.filter(({ sequence }) => sequence > 10).map(({ sequence }) => sequence)).toEqual([
    100, 99, 98, 97, 96, 95, 94,
  ]);
  expect(left).toHaveLength(7 + 4);
});

test('incomplete ones, and those of generations that were not live, are counted apart', () => {
  const incomplete = Array.from({ length: 30 }, (_, i) => backup(1_000 + i, 0, { missing: 1 }));
  const previous = Array.from({ length: 30 }, (_, i) => backup(2_000 + i, 0, { scope: 'previous' }));
  const left = kept([...incomplete, ...previous, ...daily(3)]);
  expect(left.filter(({ missing }) => missing > 0)).toHaveLength(7);
  expect(left.filter(({ scope }) => scope === 'previous')).toHaveLength(7);
  expect(left.filter(({ sequence }) => sequence < 1_000)).toHaveLength(3);
});

test('what came last counts, not what a clock said that was set back', () => {
  const afterwards = Array.from({ length: 5 }, (_, i) => backup(10 + i, 400 * DAY_MS - i * HOUR_MS));
  const left = kept([...daily(5), ...afterwards], { last: 3, daily: 0, weekly: 0 });
  expect(left.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual([12, 13, 14]);
});

const arbitrary = fc
  .array(
    fc.record({
      age: fc.integer({ min: -30 * DAY_MS, max: 400 * DAY_MS }),
      missing: fc.integer({ min: 0, max: 2 }),
      scope: fc.constantFrom('live' as const, 'previous' as const),
    }),
    { maxLength: 60 },
  )
  .map((all) => all.map(({ age, ...more }, i) => backup(i + 1, age, more)));
const keeps = fc.record({
  last: fc.integer({ min: 1, max: 8 }),
  daily: fc.integer({ min: 0, max: 20 }),
  weekly: fc.integer({ min: 0, max: 10 }),
});

test('never the newest good one, never one that is held, and again gives nothing more', () => {
  fc.assert(
    fc.property(arbitrary, keeps, fc.nat(60), (backups, keep, heldAt) => {
      const held = backups[heldAt];
      const isHeld = (one: Kept): boolean => one === held;
      const gone = expired(backups, keep, isHeld);
      const good = backups.filter(({ missing }) => missing === 0);
      const goodLive = good.filter(({ scope }) => scope === 'live');
      for (const newest of [good.at(-1), goodLive.at(-1), held])
        if (newest !== undefined) expect(gone).not.toContain(newest);
      expect(expired(kept(backups, keep, isHeld), keep, isHeld)).toEqual([]);
      const live = kept(backups, keep).filter(({ missing, scope }) => missing === 0 && scope === 'live');
      expect(live.length).toBeGreaterThanOrEqual(Math.min(keep.last, goodLive.length));
      expect(live.length).toBeLessThanOrEqual(keep.last + keep.daily + keep.weekly + 1);
    }),
  );
});
