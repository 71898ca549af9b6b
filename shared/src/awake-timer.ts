/** The time is counted in this many steps, of a second at most. */
const STEPS = 20;
const STEP_MAX_MS = 1_000;
const STEP_MIN_MS = 10;

/**
 * A time limit in time that this process was awake. A machine that sleeps for a minute finds all ordinary timers run out when
 * it wakes, and what they watch has not had a moment to do its work. Between two steps at most twice a step is counted; the
 * limit is met to a step.
 */
export class AwakeTimer {
  private readonly timer: NodeJS.Timeout;

  constructor(limitMs: number, onLimit: () => void) {
    const stepMs = Math.min(STEP_MAX_MS, Math.max(STEP_MIN_MS, limitMs / STEPS));
    let leftMs = limitMs;
    let lastMs = performance.now();
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      leftMs -= Math.min(nowMs - lastMs, 2 * stepMs);
      lastMs = nowMs;
      if (leftMs > 0) return;
      this.clear();
      onLimit();
    }, stepMs);
  }

  clear(): void {
    clearInterval(this.timer);
  }
}
