/** The shortest that a timer can wait. */
const TURN_MS = 1;

/** Asks at a steady rate, whatever becomes of what was asked before: users do not wait for each other. */
export class OpenLoop {
  private readonly timer: NodeJS.Timeout;
  private readonly perMs: number;
  private readonly beganMs = performance.now();
  private asked = 0;

  /** @param ask told when it was due, by the clock of `performance.now()`; it must not throw */
  constructor(perSecond: number, ask: (dueMs: number) => void) {
    this.perMs = perSecond / 1_000;
    this.timer = setInterval(() => {
      const due = Math.floor((performance.now() - this.beganMs) * this.perMs);
      // Also what was due while this process was held up.
      while (this.asked < due) ask(this.beganMs + ++this.asked / this.perMs);
    }, TURN_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
