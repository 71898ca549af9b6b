import type { Clock } from './clock';
import { messageOf } from './errors';
import type { Facts, Logger } from './logger';

/** Where a service tells of its errors. */
export type ErrorReporter = Pick<RepeatedErrors, 'report'>;

/** Distinct messages that are remembered; older ones are forgotten first. */
const REMEMBERED = 200;

interface Told {
  readonly level?: 'warn' | 'error';
  /** What tells it from others of the same place and message. */
  readonly apart?: string;
  /** Where the line goes to when it is due, such as the log of a cycle. */
  readonly log?: Logger;
}

/**
 * Logs the same error once in a while with the number of times it came, instead of each time: a queue worker that lost its
 * Redis can emit thousands of errors a second.
 */
export class RepeatedErrors {
  private readonly log: Logger;
  private readonly clock: Clock;
  private readonly everyMs: number;
  private readonly seen = new Map<string, { loggedAtMs: number; suppressed: number }>();

  constructor(log: Logger, clock: Clock, everyMs = 30_000) {
    this.log = log;
    this.clock = clock;
    this.everyMs = everyMs;
  }

  /**
   * @param where what was being done; errors are the same when `where` and their message are
   * @param told how it is told
   */
  report(where: string, error: unknown, facts: Facts = {}, told: Told = {}): void {
    const message = messageOf(error) || (error as { code?: string }).code || 'connection failed';
    const key = `${where}\n${told.apart ?? ''}\n${message}`;
    const now = this.clock.now();
    const known = this.seen.get(key);
    if (known !== undefined && now - known.loggedAtMs < this.everyMs) {
      known.suppressed++;
      (told.log ?? this.log).keep(told.level ?? 'warn', where, { error: message, ...facts });
      return;
    }
    const repeated = known === undefined || known.suppressed === 0 ? {} : { repeated: known.suppressed };
    (told.log ?? this.log)[told.level ?? 'warn'](where, { error: message, ...repeated, ...facts });
    this.seen.delete(key);
    this.seen.set(key, { loggedAtMs: now, suppressed: 0 });
    const oldest = this.seen.size > REMEMBERED ? this.seen.keys().next().value : undefined;
    if (oldest !== undefined) this.seen.delete(oldest);
  }
}
