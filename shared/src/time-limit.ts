/** One wait for something. Whoever waits says when it is over, and what it held on to is let go at once. */
export class Wait {
  /** By the steady clock. */
  readonly endsAtMs: number;
  private late: (() => void) | undefined;

  constructor(endsAtMs: number, onLate: () => void) {
    this.endsAtMs = endsAtMs;
    this.late = onLate;
  }

  get over(): boolean {
    return this.late === undefined;
  }

  end(): void {
    this.late = undefined;
  }

  /** Ends it as too late, unless it is over. */
  expire(): void {
    const { late } = this;
    this.late = undefined;
    late?.();
  }
}

/** Fewer waits than this are not looked through for those that are over. */
const SWEEP_AT = 1_000;

/**
 * One time limit for many waits at a time: a timer for all of them, not one for each, which would cost more than what is waited
 * for. A limit that runs out because this process did not get to run is no fault of who is waited for: what has come in
 * meanwhile is looked at first.
 */
export class TimeLimit {
  readonly limitMs: number;
  /** The oldest first. */
  private waits: Wait[] = [];
  /** How many there are when those that are over are let go. */
  private sweepAt = SWEEP_AT;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** `work`, or what `late` makes when it takes longer than the limit. `work` goes on, and nobody hears of it. */
  race<T>(work: Promise<T>, late: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const wait = this.watch(() => reject(late()));
      work.then(
        (value) => {
          wait.end();
          resolve(value);
        },
        (error: unknown) => {
          wait.end();
          reject(error);
        },
      );
    });
  }

  /** Calls `onLate` when the limit is over before the wait is; who waits says so when it is. */
  watch(onLate: () => void): Wait {
    const wait = new Wait(performance.now() + this.limitMs, onLate);
    if (this.waits.length >= this.sweepAt) this.sweep();
    this.waits.push(wait);
    if (this.closed) setImmediate(() => this.expire(Number.POSITIVE_INFINITY));
    else if (this.timer === undefined) this.arm(this.limitMs);
    return wait;
  }

  /** Ends all waits at once, and those that come later. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.expire(Number.POSITIVE_INFINITY);
  }

  private arm(ms: number): void {
    this.timer = setTimeout(() => {
      // What begins in the turn that follows has its time yet, however long that turn takes.
      const nowMs = performance.now();
      // Timers run before sockets are read: the turn that is yielded reads what came while this process was held up.
      setImmediate(() => this.closed || this.expire(nowMs));
    }, ms);
  }

  private expire(nowMs: number): void {
    this.timer = undefined;
    const next = this.waits.findIndex(({ over, endsAtMs }) => !over && endsAtMs > nowMs);
    const ended = this.waits.splice(0, next < 0 ? this.waits.length : next);
    const [first] = this.waits;
    if (first !== undefined && !this.closed) this.arm(Math.max(1, first.endsAtMs - nowMs));
    // Last, because who hears of it may begin another wait.
    for (const wait of ended) wait.expire();
  }

  /** Most waits are over long before their limit: what they hold is not kept until then, also behind one that is not. */
  private sweep(): void {
    this.waits = this.waits.filter(({ over }) => !over);
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.waits.length);
  }
}
