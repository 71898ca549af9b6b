/**
 * Times of spans, in milliseconds since 1970: those of one piece of work go by the steady clock from its beginning on, so that no
 * span ends before it began, and have its resolution.
 */
export class SpanClock {
  readonly beganMs = Date.now();
  private readonly steadyMs = performance.now();

  now(): number {
    return this.beganMs + performance.now() - this.steadyMs;
  }
}
