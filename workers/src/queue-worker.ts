import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import type { ChildResults, JobDefinition, JobRun, Outcome } from '#jobs/define-job';
import { carrying, queuePrefix } from '#jobs/enqueue';
import { parsePayload } from '#jobs/job-shape';
import { AwakeTimer } from '#shared/awake-timer';
import { asForewarmError, ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import { errorFacts, type Facts } from '#shared/logger';
import type { ErrorReporter } from '#shared/repeated-errors';
import { within } from '#shared/within';
import { refusesWrites } from './queue-trouble';
import { Runs } from './runs';

/** A daemon that is silent for so long has lost its jobs. Nothing that runs here blocks the loop that renews the lock. */
const LOCK_MS = 5_000;
/**
 * How often some daemon looks for jobs whose lock is gone. It takes two looks, and one may fall out with the daemon that
 * would have had it: a job of a killed daemon runs again after 5 to 8 seconds.
 */
const STALLED_LOOK_MS = 2_500;
/** A job that was interrupted more often than this by dying daemons is given up. */
const MAX_STALLED = 5;
/** Jobs to an inference process: while one computes, the next has been fetched and waits for its turn. */
const IN_FLIGHT = 2;
/** A Redis that refuses writes fails each look for a job at once, thousands a second: then looks are this far apart. */
const REST_MS = 1_000;
/** After the grace: for the interrupted runs to hand their jobs back. */
const HAND_BACK_MS = 1_000;

/** Runs the jobs of one definition: one BullMQ worker on the queue of that name. */
export class QueueWorker implements Service {
  readonly name: string;
  private readonly definition: JobDefinition;
  private readonly context: JobContext;
  private readonly connection: Redis;
  /** For what the queue itself says; jobs that fail tell it to the context. */
  private readonly errors: ErrorReporter;
  private readonly runs = new Runs<Outcome>();
  /** Aborted when the daemon begins to stop. */
  private readonly stopping = new AbortController();
  /** Aborted when the daemon must stop now: what still runs is handed back. */
  private readonly halt = new AbortController();
  private worker: Worker | undefined;
  private resting: NodeJS.Timeout | undefined;

  /** @param connection of kind `worker`; it stays the caller's */
  constructor(definition: JobDefinition, context: JobContext, connection: Redis, errors: ErrorReporter) {
    this.name = `${definition.name} worker`;
    this.definition = definition;
    this.context = context;
    this.connection = connection;
    this.errors = errors;
  }

  async start(): Promise<void> {
    const { definition, context } = this;
    this.worker = new Worker(definition.name, (job, token) => this.process(job, token), {
      connection: this.connection,
      prefix: queuePrefix(context.config.keyPrefix),
      // Redis shows it among its clients, where it takes neither spaces nor anything beyond ASCII.
      name: context.host.replaceAll(/[^!-~]/g, '-'),
      concurrency: definition.concurrency === 'inference' ? IN_FLIGHT * context.pool.processes : 1,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_LOOK_MS,
      maxStalledCount: MAX_STALLED,
      ...carrying(context.traces),
    });
    this.worker.on('error', (error) => {
      this.errors.report(`queue ${definition.name}`, withoutJob(error));
      if (refusesWrites(error)) this.rest();
    });
    this.worker.on('completed', (job) => this.runs.forget(job.id ?? ''));
    this.worker.on('stalled', (id) => {
      context.log.warn('a job was interrupted and runs again', { job: definition.name, id });
    });
    await this.worker.waitUntilReady();
  }

  /** Takes no new job, waits for those that run, and hands back what has not begun or does not end within the grace. */
  async stop(): Promise<void> {
    const { worker } = this;
    if (worker === undefined) return;
    this.worker = undefined;
    this.stopping.abort();
    clearTimeout(this.resting);
    const finished = worker.close().catch((error: unknown) => this.errors.report(`closing ${this.name}`, error));
    if (await within(finished, this.context.config.shutdown.graceMs)) return;
    this.halt.abort();
    await within(finished, HAND_BACK_MS);
  }

  /** Looks for no job for a moment; those that run go on. */
  private rest(): void {
    const { worker } = this;
    if (worker === undefined || worker.isPaused()) return;
    worker.pause(true);
    this.resting = setTimeout(() => worker.resume(), REST_MS);
  }

  private async process(job: Job, token: string | undefined): Promise<unknown> {
    const { definition, context } = this;
    let facts: Facts = { job: definition.name };
    let run: JobRun<unknown> | undefined;
    try {
      const payload = payloadOf(definition, job);
      facts = { ...facts, ...definition.facts(payload) };
      const log = context.log.with(facts);
      const again = job.attemptsStarted > 1;
      const { signal: stopping } = this.stopping;
      const progress = (value: object): void => void job.updateProgress(value).catch(() => undefined);
      const children = () => childrenOf(job);
      run = { id: job.id ?? '', payload, context, log, again, stopping, children, progress };
      const outcome = await this.once(run);
      if (outcome.outcome === 'done') return outcome.summary;
      log.debug(outcome.outcome, { reason: outcome.reason });
      if (outcome.outcome === 'skipped') return { skipped: outcome.reason };
      this.runs.forget(run.id);
      if (outcome.outcome === 'handed back') {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      await job.moveToDelayed(context.clock.now() + outcome.afterMs, token);
      throw new DelayedError();
    } catch (error) {
      if (error instanceof DelayedError || error instanceof WaitingError) throw error;
      if (!this.halt.signal.aborted) return this.fail(job, run, error, facts);
      await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  /** Rethrows so that BullMQ retries what may pass by itself, and fails the rest for good. */
  private async fail(job: Job, run: JobRun<unknown> | undefined, thrown: unknown, ofJob: Facts): Promise<never> {
    const error = asForewarmError(thrown);
    const attempts = job.opts.attempts ?? 1;
    const attempt = `${job.attemptsMade + 1}/${attempts}`;
    // What is not of the catalogue comes from a client of Redis or PostgreSQL, and may well pass.
    const passing = error.retryable || !(thrown instanceof ForewarmError);
    const again = passing && job.attemptsMade + 1 < attempts;
    const facts = { id: job.id, ...ofJob, attempt, ...errorFacts(error) };
    // A model that fails does so with every batch and at every tick; what it comes to is in the line of the cycle.
    const apart = `${this.definition.name} ${ofJob.model ?? job.id} ${attempt}`;
    if (again) {
      this.context.errors.report('job failed, it will be retried', error, facts, { apart });
      throw error;
    }
    this.context.errors.report('job failed for good', error, facts, { apart, level: 'error' });
    if (run !== undefined) {
      await this.definition.failed(run, error).catch((failure: unknown) => {
        run.log.error('what waits for the job was not told', errorFacts(failure));
      });
    }
    throw new UnrecoverableError(`${error.code}: ${error.message}`);
  }

  private once(run: JobRun<unknown>): Promise<Outcome> {
    const { result, known } = this.runs.of(run.id, () => this.run(run));
    if (known) run.log.info('the queue handed a job out again that runs here: it is not begun twice', { id: run.id });
    return result;
  }

  private async run(run: JobRun<unknown>): Promise<Outcome> {
    const { definition, context } = this;
    const limitMs = definition.timeLimitMs(context.config);
    const interrupt = new Interrupt(this.halt.signal, limitMs, definition.name);
    try {
      return await Promise.race([definition.run(run), interrupt.happens]);
    } finally {
      interrupt.clear();
    }
  }
}

/** @throws ForewarmError FW_JOB_UNKNOWN, FW_JOB_PAYLOAD: queues are open to whoever can write to their Redis */
function payloadOf(definition: JobDefinition, job: Job): unknown {
  if (job.name === definition.name) return parsePayload(definition, job.data);
  const what = `queue ${definition.name} holds a job named ${JSON.stringify(job.name)}`;
  throw new ForewarmError('FW_JOB_UNKNOWN', what);
}

/** What BullMQ says of a job whose lock was lost. Without the job's number it is the same each time, and said once. */
function withoutJob(error: Error): Error {
  const lost = /^(could not renew lock for job|(?:Missing lock|Lock mismatch) for job) \S+(.*)$/s.exec(error.message);
  return lost === null
    ? error
    : new Error('this daemon did not answer for a while, and jobs that it runs are handed out again');
}

async function childrenOf(job: Job): Promise<ChildResults> {
  const [values, failures] = await Promise.all([job.getChildrenValues(), job.getIgnoredChildrenFailures()]);
  return { values, failures };
}

/** What ends the wait for a run from outside: its time limit, or the daemon's halt. */
class Interrupt {
  readonly happens: Promise<never>;
  private readonly halt: AbortSignal;
  private readonly timer: AwakeTimer;
  private readonly onHalt: () => void;

  constructor(halt: AbortSignal, limitMs: number, job: string) {
    let reject: (error: Error) => void = () => undefined;
    this.happens = new Promise((_, fail) => {
      reject = fail;
    });
    this.halt = halt;
    this.onHalt = () => reject(new Error(`${job} was halted`));
    this.timer = new AwakeTimer(limitMs, () => {
      reject(new ForewarmError('FW_JOB_TIME_LIMIT', `${job} took longer than ${limitMs} ms`));
    });
    halt.addEventListener('abort', this.onHalt);
  }

  /** The halt lives as long as the daemon: a listener that stays on it is a leak. */
  clear(): void {
    this.timer.clear();
    this.halt.removeEventListener('abort', this.onHalt);
  }
}
