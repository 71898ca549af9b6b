import type { Config, Role } from '#shared/config/types';
import type { CronTimes } from '#shared/cron-times';
import type { ForewarmError } from '#shared/errors';
import type { Facts, Logger } from '#shared/logger';
import type { JobContext } from './context';
import type { JobShape } from './job-shape';

/**
 * What a job may end with. A job returns `done`, `skipped`, `later` to run again after a while, or `handed back` for whoever is
 * free; what it throws becomes `retry` when the catalogue says that the error may pass by itself and attempts are left, and
 * `failed` (for good) otherwise.
 */
export type Outcome =
  | { readonly outcome: 'done'; readonly summary: unknown }
  | { readonly outcome: 'skipped'; readonly reason: string }
  | { readonly outcome: 'later'; readonly afterMs: number; readonly reason: string }
  | { readonly outcome: 'handed back'; readonly reason: string };

/** When a job runs by itself. `key` tells schedules of one job apart, such as the model's name. */
export interface JobSchedule<P> {
  readonly key: string;
  /** The period; with `cron`, about how long it is from one time to the next. */
  readonly everyMs: number;
  /** The times at which it runs, where it does not simply run each period. */
  readonly cron?: CronTimes;
  readonly payload: P;
}

/** Results of the jobs that a job waited for, by their ids. */
export interface ChildResults {
  readonly values: Readonly<Record<string, unknown>>;
  /** Why children failed for good. */
  readonly failures: Readonly<Record<string, string>>;
}

/** One run of a job. */
export interface JobRun<P> {
  readonly id: string;
  readonly payload: P;
  readonly context: JobContext;
  readonly log: Logger;
  /** Whether it was begun before, by a daemon that died or in an attempt that failed: some of it may be done. */
  readonly again: boolean;
  /** Aborted when the daemon begins to stop: what has not begun then need not begin here. */
  readonly stopping: AbortSignal;
  children(): Promise<ChildResults>;
  /** Tells how far it has come to whoever looks at the job. What cannot be told is not. */
  progress(value: object): void;
}

/** Everything about one job. Fields that have a default may be left out of `defineJob`. */
export interface JobDefinition<N extends string = string, P = unknown> extends JobShape<N, P> {
  readonly description: string;
  /** The role of the daemons that run it. */
  readonly role: Exclude<Role, 'dashboard' | 'api'>;
  /** `everywhere`: one run at a time over all machines. `inference`: as many as keep the machine's inference processes busy. */
  readonly concurrency: 'everywhere' | 'inference';
  readonly schedules: (config: Config) => readonly JobSchedule<P>[];
  /** Facts that each log line of a run carries, such as the id of its cycle. */
  readonly facts: (payload: P) => Facts;
  /** Milliseconds for one run. */
  readonly timeLimitMs: (config: Config) => number;
  readonly run: (run: JobRun<P>) => Promise<Outcome>;
  /** Called when the job has failed for good: what waits for its end must not wait for ever. */
  readonly failed: (run: JobRun<P>, error: ForewarmError) => Promise<void>;
}

type Defaulted = 'concurrency' | 'schedules' | 'retries' | 'keepDone' | 'facts' | 'timeLimitMs' | 'failed';

const DEFAULTS = {
  concurrency: 'everywhere',
  schedules: () => [],
  retries: { attempts: 3, firstDelayMs: 500 },
  keepDone: { count: 100 },
  facts: () => ({}),
  timeLimitMs: () => 60_000,
  failed: async () => undefined,
} satisfies Pick<JobDefinition<string, never>, Defaulted>;

export function defineJob<N extends string, P>(
  definition: Omit<JobDefinition<N, P>, Defaulted> & Partial<Pick<JobDefinition<N, P>, Defaulted>>,
): JobDefinition<N, P> {
  return { ...DEFAULTS, ...definition };
}
