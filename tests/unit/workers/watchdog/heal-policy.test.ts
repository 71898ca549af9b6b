import { HealPolicy, type Verdict } from '#workers/watchdog/heal-policy';

const PERIOD_MS = 20_000;

let policy: HealPolicy;
let nowMs: number;

beforeEach(() => {
  policy = new HealPolicy(PERIOD_MS);
  nowMs = 1_000_000;
});

/** A look some seconds after the last one. */
function look(lacking: number, cycle: string, afterMs = 5_000): Verdict {
  nowMs += afterMs;
  return policy.judge({ lacking, cycle, nowMs });
}

test('rows that went are healed at once, and asked for once until a cycle has ended', () => {
  expect(look(0, 'a')).toBe('whole');
  expect(look(3, 'a')).toBe('heal');
  expect(look(3, 'a')).toBe('wait');
  expect(look(0, 'b')).toBe('whole');
  expect(policy.helps).toBe(true);
});

test('when rows go again and again, heals that help are a period apart', () => {
  const verdicts = Array.from({ length: 12 }, (_, i) => look(i % 2, `cycle ${i}`));
  expect(verdicts.filter((verdict) => verdict === 'heal')).toHaveLength(3);
  expect(verdicts).not.toContain('futile');
});

test('with a long period they are a minute apart', () => {
  policy = new HealPolicy(3_600_000);
  expect(look(1, 'a')).toBe('heal');
  expect(look(0, 'b')).toBe('whole');
  expect(look(1, 'b')).toBe('wait');
  expect(look(1, 'b', 60_000)).toBe('heal');
});

test('two heals in a row that do not help are enough; from then on it is left to the schedule', () => {
  expect(look(9, 'a')).toBe('heal');
  expect(look(7, 'b')).toBe('wait');
  expect(look(7, 'b', PERIOD_MS)).toBe('heal');
  expect(look(8, 'c')).toBe('futile');
  const later = Array.from({ length: 500 }, (_, i) => look(8 + (i % 3), `cycle ${i}`));
  expect(new Set(later)).toEqual(new Set(['left']));
  expect(policy.helps).toBe(false);
});

test('one heal that did not help is forgotten when all rows are there', () => {
  for (const cycle of ['a', 'b', 'c', 'd']) {
    expect(look(5, cycle, PERIOD_MS)).toBe('heal');
    expect(look(5, `${cycle} healed`)).toBe('wait');
    expect(look(0, `${cycle} scheduled`)).toBe('whole');
  }
  expect(policy.helps).toBe(true);
});

test('rows have to stay for two periods before they are healed again', () => {
  look(9, 'a');
  look(9, 'b', PERIOD_MS);
  expect(look(9, 'c')).toBe('futile');
  expect(look(0, 'd')).toBe('left');
  expect(look(1, 'd')).toBe('left');
  expect(look(0, 'e')).toBe('left');
  expect(look(0, 'e', 2 * PERIOD_MS - 1)).toBe('left');
  expect(look(0, 'e', 1)).toBe('recovered');
  expect(look(0, 'f')).toBe('whole');
  expect(look(1, 'f')).toBe('heal');
});

test('a heal that never ends is given up after a minute', () => {
  expect(look(1, 'a')).toBe('heal');
  expect(look(1, 'a', 59_000)).toBe('wait');
  expect(look(1, 'a', 1_000)).toBe('heal');
});

test('rows that cannot be computed are nothing to heal', () => {
  expect(look(-1, 'a')).toBe('whole');
});
