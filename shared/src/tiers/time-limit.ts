export interface Wait {
  /** By the steady clock. */
  readonly endsAtMs: number;
  over: boolean;
  readonly onLate: () => void;
}

/** Places of waits that are over, until they are given up. */
const FORGET_AT = 1_000;

/**
 * One time limit for many waits at a time: a timer for all of them, not one for each, which would cost more than what is waited
 * for. A limit that runs out because this process did not get to run is no fault of who is waited for: what has come in
 * meanwhile is looked at first.
 */
export class TimeLimit {
  readonly limitMs: number;
  private readonly waits: (Wait | undefined)[] = [];
  /** Where the oldest wait is; what is before it is over. */
  private first = 0;
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
          wait.over = true;
          resolve(value);
        },
        (error: unknown) => {
          wait.over = true;
          reject(error);
        },
      );
    });
  }

  /** Calls `onLate` when the limit is over before the wait is; who waits says so when it is. */
  watch(onLate: () => void): Wait {
    const wait: Wait = { endsAtMs: performance.now() + this.limitMs, over: false, onLate };
    this.forget();
    this.waits.push(wait);
    if (this.timer === undefined && !this.closed) this.arm(this.limitMs);
    return wait;
  }

  /** Ends all waits at once. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.expire(Number.POSITIVE_INFINITY);
  }

  private arm(ms: number): void {
    // Timers run before sockets are read: the turn that is yielded reads what came while this process was held up.
    this.timer = setTimeout(() => setImmediate(() => this.closed || this.expire(performance.now())), ms);
  }

  private expire(nowMs: number): void {
    this.timer = undefined;
    for (; this.first < this.waits.length; this.first++) {
      const wait = this.waits[this.first] as Wait;
      if (wait.over) continue;
      if (wait.endsAtMs > nowMs) break;
      wait.over = true;
      wait.onLate();
    }
    this.waits.splice(0, this.first);
    this.first = 0;
    const [next] = this.waits;
    if (next !== undefined && !this.closed) this.arm(Math.max(1, next.endsAtMs - nowMs));
  }

  /** Most waits are over long before their limit: they are not kept until then. */
  private forget(): void {
    while (this.first < this.waits.length && this.waits[this.first]?.over) {
      // It holds on to all that was waited for.
      this.waits[this.first++] = undefined;
    }
    if (this.first < FORGET_AT) return;
    this.waits.splice(0, this.first);
    this.first = 0;
  }
}
