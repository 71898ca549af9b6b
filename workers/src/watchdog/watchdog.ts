import cron, { type ScheduledTask } from 'node-cron';
import { steadyClock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import type { Service } from '#shared/lifecycle';
import type { ErrorReporter } from '#shared/repeated-errors';
import { within } from '#shared/within';

/** For a look that is under way when the daemon stops. */
const STOP_MS = 2_000;
/** The shortest period that a cron expression has. */
const SHORTEST_MS = 1_000;

/** One of the things that a watchdog looks at in turn. */
export interface Watched {
  /** For the log when a look fails, such as `the cache`. */
  readonly name: string;
  look(): Promise<void>;
}

/**
 * Looks at some things again and again, outside of any queue: a Redis that comes back empty has lost its schedules without an
 * error. node-cron goes by the time of day and would sleep for an hour when the clock is set back by one: a timer that counts time
 * by itself looks whether it still fires.
 */
export class Watchdog implements Service {
  readonly name: string;
  private readonly everyMs: number;
  private readonly errors: ErrorReporter;
  private readonly watched: readonly Watched[];
  private task: ScheduledTask | undefined;
  private guard: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** When the last look began, by the steady clock. */
  private lookedAtMs = steadyClock.now();

  constructor(name: string, everyMs: number, errors: ErrorReporter, watched: readonly Watched[]) {
    this.name = name;
    this.everyMs = everyMs;
    this.errors = errors;
    this.watched = watched;
  }

  async start(): Promise<void> {
    const report = (error: unknown): void => this.errors.report(this.name, error);
    const silent = (): void => undefined;
    cron.setLogger({ info: silent, debug: silent, warn: report, error: report });
    this.schedule();
    this.guard = setInterval(() => void this.rewind().catch(report), this.everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.guard);
    this.guard = undefined;
    await this.task?.destroy();
    this.task = undefined;
    if (this.looking !== undefined) await within(this.looking, STOP_MS);
  }

  private schedule(): void {
    this.task = cron.schedule(cronEvery(this.everyMs), () => this.look(), {
      name: this.name,
      timezone: 'UTC',
      noOverlap: true,
      // After a sleep, or a clock set forward, it would name every second that was left out. The next look sees to all of them.
      suppressMissedWarning: true,
    });
  }

  /** Winds a task up again that has not fired for two periods. */
  private async rewind(): Promise<void> {
    if (steadyClock.now() - this.lookedAtMs <= 2 * Math.max(SHORTEST_MS, this.everyMs)) return;
    await this.task?.destroy();
    if (this.guard === undefined) return;
    this.schedule();
    await this.look();
  }

  /** One look at a time; it never rejects. */
  private look(): Promise<void> {
    this.lookedAtMs = steadyClock.now();
    this.looking ??= this.check().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** A look that fails is no reason to leave out the next: stores fail apart from each other. */
  private async check(): Promise<void> {
    for (const watched of this.watched) {
      await watched.look().catch((error: unknown) => this.errors.report(`looking after ${watched.name}`, error));
    }
  }
}

/** The time between two looks: that of the configuration, or the shortest that there is. */
export function lookEveryMs({ watchdog }: Config): number {
  return Math.max(SHORTEST_MS, watchdog.everyMs);
}

/** A cron expression that fires about every `ms`: whole seconds below a minute, whole minutes from there. */
export function cronEvery(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return `0 */${Math.min(59, Math.round(seconds / 60))} * * * *`;
}
