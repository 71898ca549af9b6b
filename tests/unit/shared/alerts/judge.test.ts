import { CONDITION_NAMES, CONDITIONS } from '#shared/alerts/conditions';
import { type Court, judge, type Known, type Observation } from '#shared/alerts/judge';
import type { Level } from '#shared/alerts/state-machine';

const NOW_MS = 10_000_000;
const COURT: Court = {
  alerts: { off: [], fireAfterMs: 0, resolveAfterMs: 0, remindEveryMs: undefined },
  everyMs: 5_000,
  host: 'here',
  models: ['calls', 'trips'],
};

function seen(condition: string, level: Level, { model = '', place = '' } = {}): Observation {
  return { condition, model, place, level, message: `${condition} is ${level}`, facts: {} };
}

function known(condition: string, more: Partial<Known> = {}): Known {
  const [sinceMs, lastSeenMs, toldMs] = [NOW_MS - 60_000, NOW_MS - 5_000, NOW_MS - 60_000];
  const state = { phase: 'firing' as const, sinceMs, lastSeenMs, toldMs };
  return { condition, model: '', place: '', message: 'as it was', facts: {}, sinceMs, state, ...more };
}

function eventsOf(
  open: readonly Known[],
  observations: readonly Observation[],
  { court = COURT, silences = [] as { condition: string | null; model: string | null }[] } = {},
): Record<string, string | undefined> {
  const verdicts = judge(open, observations, silences, NOW_MS, court);
  return Object.fromEntries(verdicts.map(({ saying, event }) => [`${saying.condition} ${saying.model}`.trim(), event]));
}

test('alerts of different models, places and conditions go their own ways', () => {
  const open = [known('stale', { model: 'calls' }), known('disk-full', { place: 'here' })];
  const observations = [
    seen('stale', 'good', { model: 'calls' }),
    seen('stale', 'bad', { model: 'trips' }),
    seen('disk-full', 'bad', { place: 'here' }),
    seen('clock-skew', 'good', { place: 'here' }),
  ];
  expect(eventsOf(open, observations)).toEqual({
    'stale calls': 'resolved',
    'stale trips': 'fired',
    'disk-full': undefined,
  });
});

test('what is said of an alert is the last that was bad, not that it is well', () => {
  const [verdict] = judge([known('no-worker')], [seen('no-worker', 'near')], [], NOW_MS, COURT);
  expect(verdict?.saying.message).toBe('as it was');
});

describe('what explains it', () => {
  test('a queue that is away is told; that nothing is planned then is not', () => {
    const observations = [seen('redis-queue-down', 'bad'), seen('schedule-dead', 'bad', { model: 'calls' })];
    expect(eventsOf([], observations)).toEqual({ 'redis-queue-down': 'fired', 'schedule-dead calls': undefined });
  });

  test('also before its own time has come, and while it cannot be looked at', () => {
    const court = { ...COURT, alerts: { ...COURT.alerts, fireAfterMs: 'auto' as const } };
    const failing = known('cycles-failing', {
      model: 'calls',
      state: { phase: 'firing', sinceMs: NOW_MS, lastSeenMs: NOW_MS, toldMs: null },
    });
    const observations = [seen('postgres-down', 'bad'), seen('cycles-failing', 'bad', { model: 'calls' })];
    expect(eventsOf([failing], observations, { court })['cycles-failing calls']).toBeUndefined();
    expect(eventsOf([known('postgres-down'), failing], observations.slice(1))['cycles-failing calls']).toBeUndefined();
  });

  test('of another model it explains nothing', () => {
    const observations = [
      seen('cache-empty', 'bad', { model: 'trips' }),
      seen('stale', 'bad', { model: 'calls' }),
      seen('stale', 'bad', { model: 'trips' }),
    ];
    expect(eventsOf([], observations)).toEqual({
      'cache-empty trips': 'fired',
      'stale calls': 'fired',
      'stale trips': undefined,
    });
  });

  test('what is left when the cause is over is told, and not before', () => {
    const stale = known('stale', {
      model: 'calls',
      state: { phase: 'firing', sinceMs: NOW_MS - 9_000, lastSeenMs: NOW_MS, toldMs: null },
    });
    const left = seen('stale', 'bad', { model: 'calls' });
    expect(eventsOf([known('no-worker'), stale], [seen('no-worker', 'good'), left])).toEqual({
      'no-worker': 'resolved',
      'stale calls': undefined,
    });
    expect(eventsOf([stale], [seen('no-worker', 'good'), left])['stale calls']).toBe('fired');
  });

  test('a cause that has not fired, and is well, explains nothing', () => {
    const pending = known('no-worker', {
      state: { phase: 'pending', sinceMs: NOW_MS, lastSeenMs: NOW_MS, toldMs: null },
    });
    const observations = [seen('no-worker', 'good'), seen('stale', 'bad', { model: 'calls' })];
    expect(eventsOf([pending], observations)['stale calls']).toBe('fired');
  });

  test('every cause is a condition, and nothing explains itself in the end', () => {
    const above = (name: string, path: readonly string[]): void => {
      expect(path).not.toContain(name);
      expect(CONDITION_NAMES).toContain(name);
      for (const cause of CONDITIONS[name as keyof typeof CONDITIONS].causes) above(cause, [...path, name]);
    };
    for (const name of CONDITION_NAMES) above(name, []);
  });
});

describe('silences', () => {
  const observations = [seen('stale', 'bad', { model: 'calls' }), seen('no-worker', 'bad')];

  test.each([[{ condition: 'no-worker', model: null }], [{ condition: null, model: null }]])(
    '%j silences what it names',
    (silence) => {
      expect(eventsOf([], observations, { silences: [silence] })['no-worker']).toBeUndefined();
    },
  );

  test('others go on: of another condition, and of another model', () => {
    const silences = [
      { condition: 'stale', model: null },
      { condition: null, model: 'trips' },
    ];
    expect(eventsOf([], observations, { silences })['no-worker']).toBe('fired');
    const others = [{ condition: 'stale', model: 'trips' }];
    const alone = [seen('stale', 'bad', { model: 'calls' })];
    expect(eventsOf([], alone, { silences: others })['stale calls']).toBe('fired');
  });

  test('what is off by the configuration is never told', () => {
    const court = { ...COURT, alerts: { ...COURT.alerts, off: ['no-worker' as const] } };
    expect(eventsOf([], observations, { court })['no-worker']).toBeUndefined();
  });
});

describe('what jobs have met', () => {
  test('is told, though nobody looks for it', () => {
    const met = known('gate-refused', {
      model: 'calls',
      state: { phase: 'firing', sinceMs: NOW_MS, lastSeenMs: NOW_MS, toldMs: null },
    });
    expect(eventsOf([met], [])).toEqual({ 'gate-refused calls': 'fired' });
  });

  test('and its end, by what they have resolved', () => {
    expect(eventsOf([known('gate-refused', { model: 'calls', state: undefined })], [])).toEqual({
      'gate-refused calls': 'resolved',
    });
  });

  test('does not end by itself, however long ago it was', () => {
    const sinceMs = NOW_MS - 7_200_000;
    const state = { phase: 'firing' as const, sinceMs, lastSeenMs: sinceMs, toldMs: sinceMs };
    expect(eventsOf([known('backup-failed', { model: 'calls', sinceMs, state })], [])).toEqual({
      'backup-failed calls': undefined,
    });
  });
});

describe('what nobody can look at any more', () => {
  const old = { phase: 'firing' as const, sinceMs: 0, lastSeenMs: NOW_MS - 3_600_000, toldMs: 0 };

  test.each([
    ['of a machine that is gone', known('disk-full', { place: 'there', state: old })],
    ['of a model that is gone', known('stale', { model: 'gone', state: old })],
    ['of another version', known('of-another-version', { state: old })],
  ])('ends after a while: %s', (_, alert) => {
    expect(judge([alert], [], [], NOW_MS, COURT)[0]?.event).toBe('resolved');
  });

  test('but not while another daemon sees it', () => {
    const alert = known('disk-full', { place: 'there' });
    expect(judge([alert], [], [], NOW_MS, COURT)[0]?.state?.phase).toBe('firing');
  });

  test('nor what could not be looked at for as long', () => {
    const alert = known('stale', { model: 'calls', state: old });
    expect(judge([alert], [], [], NOW_MS, COURT)[0]?.state?.phase).toBe('firing');
  });
});
