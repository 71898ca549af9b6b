import { ForewarmError } from '../errors';
import type { CallOptions } from './answers';
import { codes, type Said, sentence } from './said';
import { TimeLimit, type Wait } from './time-limit';

/** Bounds whole calls: by their deadline, and by the signal of who called. */
export class CallLimit {
  /** Of calls that name no deadline of their own. */
  private readonly usual: TimeLimit;

  constructor(deadlineMs: number) {
    this.usual = new TimeLimit(deadlineMs);
  }

  /**
   * @param said what the tiers have said when time runs out
   * @throws ForewarmError FW_READ_DEADLINE; the signal's reason; what `work` throws
   */
  async bound<T>(work: Promise<T>, options: CallOptions | undefined, said: () => readonly Said[]): Promise<T> {
    const { signal, deadlineMs = this.usual.limitMs } = options ?? {};
    const late = (): Error => tooLate(deadlineMs, said());
    if (signal === undefined && deadlineMs === this.usual.limitMs) return this.usual.race(work, late);
    const limit = deadlineMs === this.usual.limitMs ? this.usual : new TimeLimit(deadlineMs);
    try {
      return await limit.race(signal === undefined ? work : untilAborted(work, signal), late);
    } finally {
      if (limit !== this.usual) limit.close();
    }
  }

  /**
   * The usual limit of one call, without a promise; who calls says when its wait is over.
   * @param onLate called with FW_READ_DEADLINE
   */
  watch(onLate: (error: ForewarmError) => void, said: () => readonly Said[]): Wait {
    return this.usual.watch(() => onLate(tooLate(this.usual.limitMs, said())));
  }

  close(): void {
    this.usual.close();
  }
}

function tooLate(deadlineMs: number, said: readonly Said[]): ForewarmError {
  const message = `no answer within the ${deadlineMs} ms that the call may take; ${sentence(said)}`;
  return new ForewarmError('FW_READ_DEADLINE', message, { details: { deadlineMs, tiers: codes(said) } });
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Also where nobody waits for it any more: what it rejects with must not be lost on the way.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
