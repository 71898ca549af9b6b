/**
 * The life of one alert, as a pure function of what is seen: pending, firing, told once, reminded, resolved, told once more. Where
 * the state is kept, and who of several daemons moves it, is another matter. Times are milliseconds of any one clock.
 */

/**
 * What one look at a condition found:
 * - `bad`: beyond its bound
 * - `near`: back within the bound, by less than the margin: nothing that fires ends for that, and nothing begins
 * - `good`: well
 * - `unknown`: it could not be looked at
 */
export type Level = 'bad' | 'near' | 'good' | 'unknown';

export interface AlertState {
  readonly phase: 'pending' | 'firing';
  /** When it was first seen. */
  readonly sinceMs: number;
  /** When somebody saw it last. */
  readonly lastSeenMs: number;
  /** When it was told last; `null` while nobody was. */
  readonly toldMs: number | null;
}

/** What is told of an alert. */
export type AlertEvent = 'fired' | 'reminder' | 'resolved';

export interface AlertTimes {
  /** How long something must be bad before it fires. */
  readonly fireAfterMs: number;
  /** For how long nobody may have seen it before it is over. */
  readonly resolveAfterMs: number;
  /** Between two messages while it fires; `Infinity` for none but the first. */
  readonly remindEveryMs: number;
  /** For how long a pending one lives on without being seen: some looks. */
  readonly graceMs: number;
}

export interface Move {
  /** `undefined`: there is no alert, or none any more. */
  readonly state: AlertState | undefined;
  readonly event: AlertEvent | undefined;
}

/**
 * One look.
 * @param muted silenced, or explained by another: it goes its way, and nobody is told of it; of the end is told who was told of the beginning
 */
export function advance(
  state: AlertState | undefined,
  level: Level,
  nowMs: number,
  times: AlertTimes,
  muted: boolean,
): Move {
  if (state === undefined) return level === 'bad' ? begin(nowMs, times, muted) : NOTHING;
  const past = withoutFuture(state, nowMs);
  return past.phase === 'pending'
    ? whilePending(past, level, nowMs, times, muted)
    : whileFiring(past, level, nowMs, times, muted);
}

const NOTHING: Move = { state: undefined, event: undefined };

function begin(nowMs: number, times: AlertTimes, muted: boolean): Move {
  return whilePending(
    { phase: 'pending', sinceMs: nowMs, lastSeenMs: nowMs, toldMs: null },
    'bad',
    nowMs,
    times,
    muted,
  );
}

function whilePending(state: AlertState, level: Level, nowMs: number, times: AlertTimes, muted: boolean): Move {
  if (level !== 'bad') return nowMs - state.lastSeenMs >= times.graceMs ? NOTHING : { state, event: undefined };
  const seen = { ...state, lastSeenMs: nowMs };
  if (nowMs - state.sinceMs < times.fireAfterMs) return { state: seen, event: undefined };
  return tell({ ...seen, phase: 'firing' }, nowMs, times, muted);
}

function whileFiring(state: AlertState, level: Level, nowMs: number, times: AlertTimes, muted: boolean): Move {
  if (level === 'good') {
    // Nobody is told of what is well again, unless it is over.
    if (nowMs - state.lastSeenMs < times.resolveAfterMs) return { state, event: undefined };
    return { state: undefined, event: state.toldMs === null ? undefined : 'resolved' };
  }
  // What cannot be looked at now may be over: who was told of it is reminded, nobody hears of it for the first time.
  if (level === 'unknown' && state.toldMs === null) return { state, event: undefined };
  const seen = level === 'bad' || level === 'near';
  return tell(seen ? { ...state, lastSeenMs: nowMs } : state, nowMs, times, muted);
}

function tell(state: AlertState, nowMs: number, { remindEveryMs }: AlertTimes, muted: boolean): Move {
  const { toldMs } = state;
  const due = toldMs === null || nowMs - toldMs >= remindEveryMs;
  if (muted || !due) return { state, event: undefined };
  return { state: { ...state, toldMs: nowMs }, event: toldMs === null ? 'fired' : 'reminder' };
}

/** A clock that was set back must not make an alert wait until it has caught up. */
function withoutFuture(state: AlertState, nowMs: number): AlertState {
  const past = (ms: number): number => Math.min(ms, nowMs);
  const { sinceMs, lastSeenMs, toldMs } = state;
  if (sinceMs <= nowMs && lastSeenMs <= nowMs && (toldMs === null || toldMs <= nowMs)) return state;
  return {
    ...state,
    sinceMs: past(sinceMs),
    lastSeenMs: past(lastSeenMs),
    toldMs: toldMs === null ? null : past(toldMs),
  };
}
