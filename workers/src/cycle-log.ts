import { steadyClock } from '#shared/clock';
import { isRefusal } from '#shared/connections/postgres';
import { messageOf } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import { errorFacts, type Facts } from '#shared/logger';
import type { RepeatedErrors } from '#shared/repeated-errors';
import type { CycleLine, CycleLogStore } from '#shared/store/cycle-log-store';
import type { LogLine } from '#shared/tapped-logger';
import { within } from '#shared/within';

/** Between two writings. */
const EVERY_MS = 1_000;
/** PostgreSQL takes 65,535 parameters to a statement. */
const LINES_PER_STATEMENT = 1_000;
/** Kept while PostgreSQL is away: the oldest give way. */
const MOST_KEPT = 5_000;
/** Of one cycle and process. */
const MOST_OF_CYCLE = 500;
/** Cycles whose lines are counted; older ones are forgotten first. */
const COUNTED_CYCLES = 100;
const MESSAGE_CHARACTERS = 2_000;
const FACTS_CHARACTERS = 8_000;
const END_MS = 1_500;

/**
 * Keeps what this process says of cycles, and writes it to PostgreSQL once a second, beside the path: a cycle never waits for it, and a
 * PostgreSQL that is away costs the oldest lines and nothing else.
 */
export class CycleLog implements Service {
  readonly name = 'cycle log';
  private readonly host: string;
  private store: CycleLogStore | undefined;
  private errors: RepeatedErrors | undefined;
  private kept: CycleLine[] = [];
  private lost = 0;
  private line = 0;
  private readonly counts = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(host: string) {
    this.host = host;
  }

  /** Where lines go to. They are made before there is anywhere: the log is the first thing that there is. */
  writeTo(store: CycleLogStore, errors: RepeatedErrors): void {
    this.store = store;
    this.errors = errors;
  }

  /** Takes a line that has a cycle; others are none of its business. */
  hear({ level, message, facts }: LogLine): void {
    const { cycle, ...rest } = facts;
    if (typeof cycle !== 'string' || cycle === '') return;
    const count = (this.counts.get(cycle) ?? 0) + 1;
    this.counts.delete(cycle);
    this.counts.set(cycle, count);
    const oldest = this.counts.size > COUNTED_CYCLES ? this.counts.keys().next().value : undefined;
    if (oldest !== undefined) this.counts.delete(oldest);
    // How it ended is worth more than the next of many lines that are alike.
    const isEnding = level !== 'debug' && message.startsWith('cycle ');
    if (count > MOST_OF_CYCLE && !isEnding) return;
    const last = count === MOST_OF_CYCLE && !isEnding;
    this.keep({
      ...{ cycle, at: new Date(), host: this.host, pid: process.pid, line: this.line++ },
      level: last ? 'warn' : level,
      message: last ? 'this process said more of this cycle, which is left out' : storable(message, MESSAGE_CHARACTERS),
      facts: last ? {} : bounded(rest),
    });
  }

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.write(), EVERY_MS);
  }

  /** When no job runs any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    const until = steadyClock.now() + END_MS;
    while (this.kept.length > 0 && steadyClock.now() < until) {
      const before = this.kept.length;
      await within(this.write(), END_MS);
      if (this.kept.length >= before) break;
    }
    const lines = this.kept.length;
    if (lines > 0) this.errors?.report('the log of cycles lacks lines', new Error('the daemon ends'), { lost: lines });
  }

  private keep(line: CycleLine): void {
    this.kept.push(line);
    if (this.kept.length <= MOST_KEPT) return;
    this.kept.shift();
    this.lost++;
  }

  /** One writing at a time; it never rejects. */
  private write(): Promise<void> {
    this.writing ??= this.writeKept().finally(() => {
      this.writing = undefined;
    });
    return this.writing;
  }

  private async writeKept(): Promise<void> {
    const { store, errors } = this;
    if (store === undefined || errors === undefined || this.kept.length === 0) return;
    const lines = this.kept.slice(0, LINES_PER_STATEMENT);
    try {
      await store.add(lines).catch((error: unknown) => {
        // What is refused for what it holds is refused each time, and must not hold up what comes after.
        if (!isRefusal((error as { cause?: unknown }).cause)) throw error;
        this.lost += lines.length;
        errors.report('lines of the log of cycles are refused', error, errorFacts(error));
      });
      const written = new Set(lines);
      this.kept = this.kept.filter((line) => !written.has(line));
      const { lost } = this;
      this.lost = 0;
      if (lost > 0) errors.report('the log of cycles lacks lines', new Error('they were too many to keep'), { lost });
    } catch (error) {
      errors.report('the log of cycles waits for PostgreSQL', error, { lines: this.kept.length, ...errorFacts(error) });
    }
  }
}

/** Text that PostgreSQL takes: without NUL and halves of characters. */
function storable(text: string, characters: number): string {
  const whole = text.length <= characters ? text : `${text.slice(0, characters)}…`;
  return whole.replaceAll(/[\0\p{Surrogate}]/gu, '\ufffd');
}

/** Facts as they may be kept: what JSON holds, and not more than some. A line of a log is no reason for its job to fail. */
function bounded(facts: Facts): Facts {
  try {
    const text = JSON.stringify(facts, (_, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      return typeof value === 'string' ? storable(value, FACTS_CHARACTERS) : value;
    });
    if (text.length > FACTS_CHARACTERS) return { cut: storable(text, FACTS_CHARACTERS) };
    return JSON.parse(text) as Facts;
  } catch (error) {
    return { unreadable: storable(messageOf(error), MESSAGE_CHARACTERS) };
  }
}
