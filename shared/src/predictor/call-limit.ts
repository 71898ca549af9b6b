import { ForewarmError } from '../errors';
import { TimeLimit } from '../time-limit';
import type { CallOptions } from './answers';
import { codes, type Said, sentence } from './said';

/** A call that is waited for. */
export interface CallWait {
  readonly over: boolean;
  end(): void;
}

/** Bounds whole calls: by their deadline, by the signal of who called, and by the end of the reader. */
export class CallLimit {
  /** Of calls that name no deadline of their own. */
  private readonly usual: TimeLimit;
  private closed = false;

  constructor(deadlineMs: number) {
    this.usual = new TimeLimit(deadlineMs);
  }

  /**
   * The limit of one call, without a promise; who calls says when its wait is over.
   * @param onEnd called with FW_READ_DEADLINE, FW_READER_CLOSED or the signal's reason
   * @param said what the tiers have said by then
   */
  watch(options: CallOptions | undefined, onEnd: (reason: unknown) => void, said: () => readonly Said[]): CallWait {
    const { signal, deadlineMs = this.usual.limitMs } = options ?? {};
    const late = (): void => onEnd(this.closed ? closedError() : tooLate(deadlineMs, said()));
    if (signal === undefined && deadlineMs === this.usual.limitMs) return this.usual.watch(late);
    return new OwnWait(deadlineMs === this.usual.limitMs ? this.usual : undefined, { deadlineMs, signal }, late, onEnd);
  }

  /**
   * `work`, unless the call ends before it.
   * @throws ForewarmError FW_READ_DEADLINE, FW_READER_CLOSED; the signal's reason; what `work` throws
   */
  bound<T>(work: Promise<T>, options: CallOptions | undefined, said: () => readonly Said[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const wait = this.watch(options, reject, said);
      const end = (): void => wait.end();
      work.finally(end).then(resolve, reject);
    });
  }

  close(): void {
    this.closed = true;
    this.usual.close();
  }
}

/** The wait of a call that has a deadline of its own, or a signal. */
class OwnWait implements CallWait {
  private readonly limit: TimeLimit;
  private readonly own: boolean;
  private readonly signal: AbortSignal | undefined;
  private readonly wait: CallWait;
  private readonly abort: () => void;

  constructor(
    shared: TimeLimit | undefined,
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal | undefined },
    onLate: () => void,
    onAbort: (reason: unknown) => void,
  ) {
    this.limit = shared ?? new TimeLimit(deadlineMs);
    this.own = shared === undefined;
    this.signal = signal;
    this.abort = () => {
      if (this.wait.over) return;
      this.end();
      onAbort(signal?.reason);
    };
    this.wait = this.limit.watch(() => {
      this.release();
      onLate();
    });
    if (signal?.aborted) queueMicrotask(this.abort);
    else signal?.addEventListener('abort', this.abort, { once: true });
  }

  get over(): boolean {
    return this.wait.over;
  }

  end(): void {
    this.wait.end();
    this.release();
  }

  private release(): void {
    this.signal?.removeEventListener('abort', this.abort);
    if (this.own) this.limit.close();
  }
}

export function closedError(): ForewarmError {
  return new ForewarmError('FW_READER_CLOSED', 'the reader was closed');
}

function tooLate(deadlineMs: number, said: readonly Said[]): ForewarmError {
  const message = `no answer within the ${deadlineMs} ms that the call may take; ${sentence(said)}`;
  return new ForewarmError('FW_READ_DEADLINE', message, { details: { deadlineMs, tiers: codes(said) } });
}
