import { messageOf } from '#shared/errors';
import type { Facts, Logger } from '#shared/logger';
import type { ErrorReporter, RepeatedErrors } from '#shared/repeated-errors';

/** What a Redis answers that can be reached and takes no writes: out of memory, unable to persist, a replica. */
const REFUSAL = /\b(OOM|MISCONF|READONLY) [^.]*/;

/** Whether Redis can be reached and refused a write. */
export function refusesWrites(error: unknown): boolean {
  return REFUSAL.test(messageOf(error));
}

/**
 * Errors of whatever uses the queue's Redis. One that refuses writes is one trouble, however many scripts of however many
 * queues are refused: it is logged as one, and `/readyz` tells it.
 */
export class QueueTrouble implements ErrorReporter {
  /** Why nothing can be written; `undefined` while it can, and while Redis is away, which its connection tells. */
  refusal: string | undefined;
  private readonly errors: RepeatedErrors;
  private readonly log: Logger;

  constructor(errors: RepeatedErrors, log: Logger) {
    this.errors = errors;
    this.log = log;
  }

  report(where: string, error: unknown, facts: Facts = {}): void {
    const refusal = REFUSAL.exec(messageOf(error))?.[0];
    if (refusal === undefined) {
      this.errors.report(where, error, facts);
      return;
    }
    this.refusal = refusal;
    this.errors.report('the queue Redis refuses writes: no cycle can begin until it takes them', refusal, {
      next: 'Raise its maxmemory or make room; it goes on by itself then.',
    });
  }

  /** A write was taken. */
  accepted(): void {
    if (this.refusal !== undefined) this.log.info('the queue Redis takes writes again');
    this.refusal = undefined;
  }
}
