import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll, isBrokenCircuitError } from 'cockatiel';
import { ForewarmError, messageOf } from '../errors';
import { TimeLimit, type Wait } from '../time-limit';

/** Failures in a row after which a tier is left alone. */
const FAILURES = 5;
/** For how long, until one call tries it again. */
const REST_MS = 500;
/** The breaker counts by the wall clock. It is asked when the rest is over by the steady one, and has to agree by then. */
const CLOCKS_DIFFER_MS = 50;

/** A call that is under way. */
export interface Spending {
  readonly wait: Wait;
  /** How often the tier had begun to rest when it began: of an older call nothing is learned. */
  readonly breaks: number;
}

/**
 * What one tier may cost a call: a time limit, and nothing for a moment after it has failed several times in a row. The library's
 * breaker keeps the state. As long as all is well it hears only of what changes that, because its way round a call costs
 * as much as a call.
 */
export class TierBudget {
  private readonly limit: TimeLimit;
  private readonly onBreak: () => void;
  private breaker = this.makeBreaker();
  private breaks = 0;
  private restsUntilMs = 0;
  /** Since the last success. */
  private failed = false;
  private lastError: unknown;

  /** @param onBreak called each time that the tier begins to rest */
  constructor(limitMs: number, onBreak: () => void = () => undefined) {
    this.limit = new TimeLimit(limitMs);
    this.onBreak = onBreak;
  }

  /** Whether nothing is wrong: a call may then be made between `begin` and `end`, which costs less than `spend`. */
  get well(): boolean {
    return this.breaker.state === CircuitState.Closed;
  }

  /** Whether it is left alone now. While one call tries it again, the others do not wait for that one. */
  get resting(): boolean {
    const { state } = this.breaker;
    if (state === CircuitState.Closed) return false;
    return state === CircuitState.HalfOpen || performance.now() < this.restsUntilMs;
  }

  /**
   * Begins a call. Who makes it ends its wait, and then tells with `end` how it went.
   * @param onLate called with FW_TIER_TIME_LIMIT when it took too long; that is told already
   */
  begin(onLate: (error: ForewarmError) => void): Spending {
    const { breaks } = this;
    const wait = this.limit.watch(() => {
      const error = this.late();
      this.end(breaks, error);
      onLate(error);
    });
    return { wait, breaks };
  }

  /** @param breaks of the call's beginning */
  end(breaks: number, error?: Error): void {
    if ((error === undefined && !this.failed) || breaks !== this.breaks || !this.well) return;
    if (error !== undefined && !isFault(error)) return;
    this.failed = error !== undefined;
    this.lastError = error ?? this.lastError;
    const outcome = async (): Promise<void> => {
      if (error !== undefined) throw error;
    };
    this.breaker.execute(outcome).catch(() => undefined);
  }

  /**
   * One call.
   * @throws ForewarmError FW_TIER_RESTING, FW_TIER_TIME_LIMIT; whatever `work` throws
   */
  async spend<T>(work: () => Promise<T>): Promise<T> {
    if (!this.well) return this.probe(work);
    const { breaks } = this;
    try {
      const result = await this.limit.race(work(), this.late);
      this.end(breaks);
      return result;
    } catch (error) {
      this.end(breaks, error as Error);
      throw error;
    }
  }

  /** As `spend`, for what is done beside the answers: how it goes says nothing of the tier's reads. */
  async spare<T>(work: () => Promise<T>): Promise<T> {
    if (this.resting) throw this.isResting();
    return this.limit.race(work(), this.late);
  }

  /** Ends the waits for what is under way. */
  close(): void {
    this.limit.close();
  }

  private async probe<T>(work: () => Promise<T>): Promise<T> {
    if (this.resting) throw this.isResting();
    let refused: { readonly error: unknown } | undefined;
    try {
      const result = await this.breaker.execute(async () => {
        try {
          return await this.limit.race(work(), this.late);
        } catch (error) {
          if (isFault(error)) throw error;
          refused = { error };
          return undefined;
        }
      });
      if (refused !== undefined) throw refused.error;
      return result as T;
    } catch (error) {
      if (!isBrokenCircuitError(error)) {
        if (refused === undefined) this.lastError = error;
        throw error;
      }
      // Its rest is over, and the wall clock was set back: the breaker would stay open until that has caught up.
      this.breaker = this.makeBreaker();
      throw this.isResting();
    }
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
    const breaker = circuitBreaker(handleAll, {
      halfOpenAfter: REST_MS - CLOCKS_DIFFER_MS,
      breaker: new ConsecutiveBreaker(FAILURES),
    });
    breaker.onBreak(() => {
      this.breaks++;
      this.failed = false;
      this.restsUntilMs = performance.now() + REST_MS;
      this.onBreak();
    });
    return breaker;
  }
}

/** What is about one question, or about what is asked for, says nothing of the next: asking again soon is no waste. */
const NO_FAULTS = ['FW_GENERATION_NOT_HERE', 'FW_READER_BUSY', 'FW_READER_CLOSED', 'FW_INFERENCE_CRASHED'];

function isFault(error: unknown): boolean {
  if (!(error instanceof ForewarmError)) return true;
  return !NO_FAULTS.includes(error.code) && !error.code.startsWith('FW_MODEL_');
}
