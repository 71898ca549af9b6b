/** The wall clock as a dependency, so that planning and staleness can be tested without waiting. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** For durations alone: milliseconds since some moment, which nobody who sets the wall clock moves. */
export const steadyClock: Clock = { now: () => performance.now() };
