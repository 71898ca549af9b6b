import fc from 'fast-check';
import { type AlertEvent, type AlertState, type AlertTimes, advance, type Level } from '#shared/alerts/state-machine';

const TIMES: AlertTimes = { fireAfterMs: 30_000, resolveAfterMs: 60_000, remindEveryMs: 600_000, graceMs: 15_000 };
const LOOK_MS = 5_000;

interface Look {
  readonly level: Level;
  readonly afterMs: number;
  readonly muted: boolean;
}

interface Told {
  readonly event: AlertEvent;
  readonly atMs: number;
}

/** What is told over a run of looks, and the state after each. */
function run(looks: readonly Look[], times = TIMES): { told: Told[]; states: (AlertState | undefined)[] } {
  let state: AlertState | undefined;
  let atMs = 1_000_000;
  const told: Told[] = [];
  const states = looks.map(({ level, afterMs, muted }) => {
    atMs += afterMs;
    const move = advance(state, level, atMs, times, muted);
    state = move.state;
    if (move.event !== undefined) told.push({ event: move.event, atMs });
    return state;
  });
  return { told, states };
}

function every(levels: readonly Level[], muted = false): Look[] {
  return levels.map((level) => ({ level, afterMs: LOOK_MS, muted }));
}

function times(level: Level, count: number): Level[] {
  return Array.from({ length: count }, () => level);
}

const levels = fc.constantFrom<Level>('bad', 'near', 'good', 'unknown');
const look: fc.Arbitrary<Look> = fc.record({
  level: levels,
  afterMs: fc.integer({ min: 0, max: 120_000 }),
  muted: fc.boolean(),
});
const looks = fc.array(look, { maxLength: 200 });
const anyTimes: fc.Arbitrary<AlertTimes> = fc.record({
  fireAfterMs: fc.constantFrom(0, 15_000, 60_000),
  resolveAfterMs: fc.constantFrom(0, 30_000, 60_000),
  remindEveryMs: fc.constantFrom(60_000, 600_000, Number.POSITIVE_INFINITY),
  graceMs: fc.constantFrom(0, 15_000),
});

describe('one after the other', () => {
  test('what is wrong for a moment is told to nobody', () => {
    const { told, states } = run(every([...times('good', 3), ...times('bad', 3), ...times('good', 10)]));
    expect(told).toEqual([]);
    expect(states.at(-1)).toBeUndefined();
  });

  test('what stays wrong is told once when its time is over, and once more when it is well for long enough', () => {
    const { told } = run(every([...times('bad', 30), ...times('good', 30)]));
    expect(told.map(({ event }) => event)).toEqual(['fired', 'resolved']);
    const [fired, resolved] = told;
    expect(fired?.atMs).toBe(1_000_000 + LOOK_MS + TIMES.fireAfterMs);
    expect(resolved?.atMs).toBe(1_000_000 + 30 * LOOK_MS + TIMES.resolveAfterMs);
  });

  test('what fires at once does so with the first look', () => {
    const { told } = run(every(['bad']), { ...TIMES, fireAfterMs: 0 });
    expect(told).toHaveLength(1);
  });

  test('who was told is reminded, and not more often', () => {
    const { told } = run(every(times('bad', 400)));
    expect(told.map(({ event }) => event)).toEqual(['fired', 'reminder', 'reminder', 'reminder']);
  });

  test('one that comes and goes is told once', () => {
    const flapping = Array.from({ length: 500 }, (_, i): Level => (i % 3 === 0 ? 'bad' : 'good'));
    const { told } = run(every(flapping), { ...TIMES, remindEveryMs: Number.POSITIVE_INFINITY });
    expect(told.map(({ event }) => event)).toEqual(['fired']);
  });

  test('a figure just within its bound ends nothing, and begins nothing', () => {
    expect(run(every(times('near', 50))).told).toEqual([]);
    const { told } = run(every([...times('bad', 10), ...times('near', 100)]));
    expect(told.map(({ event }) => event)).toEqual(['fired']);
  });

  test('what cannot be looked at goes on as it was', () => {
    const { told } = run(every([...times('bad', 10), ...times('unknown', 100)]));
    expect(told.map(({ event }) => event)).toEqual(['fired']);
  });

  test('what fired while nobody was to be told is told when that is over, if it is still wrong', () => {
    const silent = every(times('bad', 20), true);
    expect(run([...silent, ...every(times('bad', 2))]).told.map(({ event }) => event)).toEqual(['fired']);
    expect(run([...silent, ...every(times('good', 30))]).told).toEqual([]);
  });

  test('a clock that is set back holds nothing up', () => {
    const before = advance(
      { phase: 'firing', sinceMs: 9_000_000, lastSeenMs: 9_000_000, toldMs: 9_000_000 },
      'good',
      1_000_000,
      TIMES,
      false,
    );
    expect(before.state?.lastSeenMs).toBe(1_000_000);
    expect(advance(before.state, 'good', 1_000_000 + TIMES.resolveAfterMs, TIMES, false).event).toBe('resolved');
  });
});

describe('whatever happens', () => {
  test('a beginning is told once, then reminders, then an end: never two of them without the other between', () => {
    fc.assert(
      fc.property(looks, anyTimes, (all, limits) => {
        let open = false;
        for (const { event } of run(all, limits).told) {
          expect(open).toBe(event !== 'fired');
          open = event !== 'resolved';
        }
      }),
    );
  });

  test('nobody is told while it is muted, but for the end', () => {
    fc.assert(
      fc.property(looks, anyTimes, (all, limits) => {
        const muted = all.map((one) => ({ ...one, muted: true }));
        expect(run(muted, limits).told).toEqual([]);
      }),
    );
  });

  test('nothing fires that was not bad at both ends of its time', () => {
    fc.assert(
      fc.property(looks, (all) => {
        let atMs = 1_000_000;
        const badAt = all.flatMap(({ level, afterMs }) => {
          atMs += afterMs;
          return level === 'bad' ? [atMs] : [];
        });
        const [fired] = run(all.map((one) => ({ ...one, muted: false }))).told;
        if (fired === undefined) return;
        expect(badAt).toContain(fired.atMs);
        expect(badAt.some((ms) => fired.atMs - ms >= TIMES.fireAfterMs)).toBe(true);
      }),
    );
  });

  test('nothing is over that somebody saw within its time', () => {
    fc.assert(
      fc.property(looks, anyTimes, (all, limits) => {
        const clear = all.map((one) => ({ ...one, muted: false }));
        const { told } = run(clear, limits);
        let atMs = 1_000_000;
        const seenAt = clear.flatMap(({ level, afterMs }) => {
          atMs += afterMs;
          return level === 'bad' ? [atMs] : [];
        });
        for (const { event, atMs: endMs } of told.filter((one) => one.event === 'resolved')) {
          expect(event).toBe('resolved');
          const before = seenAt.filter((ms) => ms <= endMs);
          expect(endMs - Math.max(...before)).toBeGreaterThanOrEqual(limits.resolveAfterMs);
        }
      }),
    );
  });

  test('two messages of one alert that goes on are as far apart as they are to be', () => {
    fc.assert(
      fc.property(looks, anyTimes, (all, limits) => {
        const { told } = run(all, limits);
        told.forEach(({ event, atMs }, i) => {
          if (event !== 'reminder') return;
          expect(atMs - (told[i - 1]?.atMs ?? Number.NaN)).toBeGreaterThanOrEqual(limits.remindEveryMs);
        });
      }),
    );
  });

  test('several daemons that see different things and share one state tell it once, in turn', () => {
    // Each look is of one of them: which of them moves the state on is for the store, whose moves are one at a time.
    const seen = fc.array(fc.tuple(levels, levels, levels), { maxLength: 100 });
    fc.assert(
      fc.property(seen, anyTimes, (rounds, limits) => {
        const all = rounds.flatMap((round) =>
          round.map((level, i): Look => ({ level, afterMs: i === 0 ? LOOK_MS : 0, muted: false })),
        );
        let open = false;
        for (const { event } of run(all, limits).told) {
          expect(open).toBe(event !== 'fired');
          open = event !== 'resolved';
        }
      }),
    );
  });

  test('one daemon that sees it keeps it open, whatever the others see', () => {
    const round: Level[] = ['bad', 'good', 'good'];
    const all = Array.from({ length: 100 }, () => round).flatMap((three) =>
      three.map((level, i): Look => ({ level, afterMs: i === 0 ? LOOK_MS : 0, muted: false })),
    );
    const { told } = run(all, { ...TIMES, remindEveryMs: Number.POSITIVE_INFINITY });
    expect(told.map(({ event }) => event)).toEqual(['fired']);
  });
});
