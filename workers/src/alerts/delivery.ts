import type { Notice } from '#shared/alerts/notice';
import { steadyClock } from '#shared/clock';
import { errorFacts } from '#shared/logger';
import type { RepeatedErrors } from '#shared/repeated-errors';
import type { AlertOutbox } from '#shared/store/alert-outbox';
import { within } from '#shared/within';
import type { Sink } from './sinks/sink';

/** Between two tries of one message: doubled with each, and not longer than this. */
const AGAIN_MAX_MS = 60_000;
const AGAIN_MIN_MS = 1_000;
/** A daemon that dies over a message leaves it to the others after this time; longer than any try takes. */
const LEASE_MS = 30_000;
const TAKEN_AT_ONCE = 20;
/** Messages that are kept while PostgreSQL is away: the oldest give way. */
const MOST_LOCAL = 1_000;

interface LocalMessage {
  readonly notice: Notice;
  readonly sink: Sink;
  attempts: number;
  dueMs: number;
  sending: boolean;
}

/**
 * Brings messages of alerts to their sinks: those in PostgreSQL, which any daemon may take, and those of this daemon alone
 * that came while PostgreSQL was away. Nobody waits for it; what does not arrive is tried again.
 */
export class Delivery {
  private readonly sinks: ReadonlyMap<string, Sink>;
  private readonly outbox: AlertOutbox;
  private readonly errors: RepeatedErrors;
  private readonly local = new Set<LocalMessage>();
  private readonly sending = new Set<Promise<void>>();
  private taking: Promise<void> | undefined;

  constructor(sinks: readonly Sink[], outbox: AlertOutbox, errors: RepeatedErrors) {
    this.sinks = new Map(sinks.map((sink) => [sink.name, sink]));
    this.outbox = outbox;
    this.errors = errors;
  }

  get sinkNames(): readonly string[] {
    return [...this.sinks.keys()];
  }

  /** Takes a message of this daemon alone, for each sink. */
  add(notice: Notice): void {
    for (const sink of this.sinks.values()) {
      this.local.add({ notice, sink, attempts: 0, dueMs: 0, sending: false });
      const oldest = this.local.size > MOST_LOCAL ? this.local.values().next().value : undefined;
      if (oldest !== undefined) this.local.delete(oldest);
    }
  }

  /** Begins to send what is due, of this daemon and of all. Does not wait until it is sent. */
  begin(): void {
    for (const message of this.local) if (this.isNext(message)) this.track(this.sendLocal(message));
    this.taking ??= this.takeShared().finally(() => {
      this.taking = undefined;
    });
  }

  /** What is under way, and once more what is due: for the end of a daemon. */
  async end(patienceMs: number): Promise<void> {
    this.begin();
    await within(Promise.all([this.taking, ...this.sending]), patienceMs);
    for (const sink of this.sinks.values()) sink.close();
  }

  /** Of one alert and sink the oldest first. */
  private isNext({ sending, dueMs, sink, notice }: LocalMessage): boolean {
    if (sending || steadyClock.now() < dueMs) return false;
    for (const other of this.local) {
      if (other.notice === notice && other.sink === sink) return true;
      if (other.sink === sink && sameAlert(other.notice, notice)) return false;
    }
    return true;
  }

  private async sendLocal(message: LocalMessage): Promise<void> {
    message.sending = true;
    message.attempts++;
    try {
      await message.sink.send(message.notice);
      this.local.delete(message);
    } catch (error) {
      this.tell(message.sink, error);
      message.dueMs = steadyClock.now() + againMs(message.attempts);
    }
    message.sending = false;
  }

  private async takeShared(): Promise<void> {
    try {
      for (const { id, sink, notice, attempts } of await this.outbox.take(this.sinkNames, TAKEN_AT_ONCE, LEASE_MS)) {
        const to = this.sinks.get(sink);
        if (to !== undefined) this.track(this.sendShared(id, to, notice, attempts));
      }
    } catch {
      // That PostgreSQL is away is an alert of its own; the messages stay where they are.
    }
  }

  private async sendShared(id: number, sink: Sink, notice: Notice, attempts: number): Promise<void> {
    let failure: unknown;
    try {
      await sink.send(notice);
    } catch (error) {
      failure = error;
    }
    try {
      if (failure === undefined) await this.outbox.sent(id);
      else await this.outbox.failed(id, String((failure as Error).message), againMs(attempts));
    } catch {
      // Its lease ends, and it is tried again: better twice than never.
    }
    if (failure !== undefined) this.tell(sink, failure);
  }

  private tell(sink: Sink, error: unknown): void {
    const facts = { sink: sink.name, to: sink.where, ...errorFacts(error) };
    this.errors.report('a message of an alert was not sent and is tried again', error, facts, { apart: sink.name });
  }

  private track(work: Promise<void>): void {
    this.sending.add(work);
    void work.finally(() => this.sending.delete(work));
  }
}

function againMs(attempts: number): number {
  const longest = Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(attempts - 1, 10));
  // Apart from each other, so that a receiver that comes back is not met by all at once.
  return longest * (0.5 + Math.random() / 2);
}

function sameAlert(a: Notice, b: Notice): boolean {
  return a.condition === b.condition && a.model === b.model && a.place === b.place;
}
