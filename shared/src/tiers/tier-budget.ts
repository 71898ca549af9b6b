import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { ForewarmError, messageOf } from '../errors';
import { TimeLimit, type Wait } from './time-limit';

/** Failures in a row after which a tier is left alone. */
const FAILURES = 5;
/** For how long, until one call tries it again. */
const REST_MS = 500;
/** The breaker counts by the wall clock. It is asked when the rest is over by the steady one, and has to agree by then. */
const CLOCKS_DIFFER_MS = 50;

/** What one tier may cost a call: a time limit, and nothing for a moment after it has failed several times in a row. */
export class TierBudget {
  private readonly limit: TimeLimit;
  private breaker = this.makeBreaker();
  private restsUntilMs = 0;
  private lastError: unknown;
  /** In a row, as far as the breaker has heard of them. */
  private failures = 0;
  private readonly onBreak: () => void;

  /** @param onBreak called each time that the tier begins to rest */
  constructor(limitMs: number, onBreak: () => void = () => undefined) {
    this.onBreak = onBreak;
    this.limit = new TimeLimit(limitMs);
  }

  /** Whether nothing is wrong: a call may then be made by `watch`, which costs less than `spend`. */
  get well(): boolean {
    return this.breaker.state === CircuitState.Closed;
  }

  /**
   * The time limit of one call; who calls says when its wait is over, and then how it went, with `ended`.
   * @param onLate called with FW_TIER_TIME_LIMIT, instead of `ended`
   */
  watch(onLate: (error: ForewarmError) => void): Wait {
    return this.limit.watch(() => {
      const error = this.late();
      this.ended(error);
      onLate(error);
    });
  }

  /** Tells the breaker how a call went that was made by `watch`. */
  ended(error?: Error): void {
    if (error === undefined && this.failures === 0) return;
    this.failures = error === undefined ? 0 : this.failures + 1;
    const outcome = async (): Promise<void> => {
      if (error !== undefined) throw error;
    };
    this.lastError = error ?? this.lastError;
    this.breaker.execute(outcome).catch(() => undefined);
  }

  /**
   * @throws ForewarmError FW_TIER_RESTING, FW_TIER_TIME_LIMIT; whatever `work` throws
   */
  async spend<T>(work: () => Promise<T>): Promise<T> {
    if (this.resting) throw this.isResting();
    try {
      const result = await this.breaker.execute(() => this.limit.race(work(), this.late));
      this.failures = 0;
      return result;
    } catch (error) {
      if (!isBrokenCircuitError(error)) {
        this.failures++;
        this.lastError = error;
        throw error;
      }
      // Its rest is over, and the wall clock was set back: the breaker would stay open until that has caught up.
      this.breaker = this.makeBreaker();
      throw this.isResting();
    }
  }

  /** Whether it is left alone now. While one call tries it again, the others do not wait for that one. */
  get resting(): boolean {
    const { state } = this.breaker;
    if (state === CircuitState.Closed) return false;
    return state === CircuitState.HalfOpen || performance.now() < this.restsUntilMs;
  }

  /** Ends the waits for what is under way. */
  close(): void {
    this.limit.close();
  }

  private readonly late = (): ForewarmError =>
    new ForewarmError('FW_TIER_TIME_LIMIT', `no answer within ${this.limit.limitMs} ms`);

  private isResting(): ForewarmError {
    return new ForewarmError(
      'FW_TIER_RESTING',
      `left alone for a moment after it failed: ${messageOf(this.lastError)}`,
    );
  }

  private makeBreaker() {
    const breaker = circuitBreaker(handleWhen(isFault), {
      halfOpenAfter: REST_MS - CLOCKS_DIFFER_MS,
      breaker: new ConsecutiveBreaker(FAILURES),
    });
    breaker.onBreak(() => {
      this.restsUntilMs = performance.now() + REST_MS;
      this.onBreak();
    });
    return breaker;
  }
}

/** Whether asking again soon would meet the same: what is about one question only says nothing of the next. */
function isFault(error: Error): boolean {
  return !(error instanceof ForewarmError && ['FW_GENERATION_NOT_HERE', 'FW_READER_BUSY'].includes(error.code));
}
