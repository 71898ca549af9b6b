import { join } from 'node:path';
import workerpool from 'workerpool';
import { AwakeTimer } from '../awake-timer';
import { asForewarmError, ERROR_CATALOGUE, ForewarmError, messageOf, type PlainError } from '../errors';
import type { Service } from '../lifecycle';
import type { ModelFacts } from '../model/describe-model';
import type { ModelSpec } from '../model/spec';
import { Slots } from '../slots';
import {
  type BatchSummary,
  type BatchTask,
  type DescribeTask,
  type InspectTask,
  OUTDATED_EXIT_CODE,
  type RowsAnswer,
  type RowsTask,
  type TaskStarted,
} from './protocol';

export interface InferencePoolOptions {
  readonly processes: number;
  /** Limit of one task from its beginning in the process, in milliseconds that this machine was awake. */
  readonly timeLimitMs: number;
  /** Environment of the processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told when a process had to be killed or died; for logs and metrics. */
  readonly onProcessLost: (error: ForewarmError) => void;
}

/** A process that waits for one batch. */
export interface FreeProcess {
  /**
   * Computes a batch and writes its rows.
   * @throws ForewarmError FW_INFERENCE_TIME_LIMIT, FW_INFERENCE_CRASHED, FW_MODEL_*, FW_REDIS_*
   */
  runBatch(task: BatchTask): Promise<BatchSummary>;
}

/** Loading Node and the runtime on a busy machine, before a task can report that it has begun. */
const START_LIMIT_MS = 30_000;
/** A task that met a process which was already gone was never begun: it is given to another, a few times. */
const MAX_PLACEMENTS = 5;
/** How long a process may take to leave by itself when the pool stops. */
const TERMINATE_GRACE_MS = 200;
const TERMINATE_LIMIT_MS = 2_000;

/**
 * Inference in child processes, one task and one ONNX thread each: a run blocks its thread, cannot be interrupted, and
 * takes its process with it when it crashes. A task that exceeds its limit or whose process dies fails alone, and the
 * process is replaced.
 */
export class InferencePool implements Service {
  readonly name = 'inference pool';
  readonly processes: number;
  private readonly options: InferencePoolOptions;
  private pool: workerpool.Pool | undefined;
  private readonly watches = new Set<TaskWatch>();
  /** The library is given no more tasks than it has processes: after a crash it forgets what waits in its own queue. */
  private readonly slots: Slots;
  private stopped = false;
  private readonly free: FreeProcess = {
    runBatch: (task) => this.run('batch', task, `a batch of ${task.categories.length} of ${task.spec.name}`),
  };

  constructor(options: InferencePoolOptions) {
    this.options = options;
    this.processes = options.processes;
    this.slots = new Slots(options.processes);
  }

  async start(): Promise<void> {
    this.pool = workerpool.pool(join(__dirname, 'inference-process.js'), {
      workerType: 'process',
      minWorkers: 'max',
      maxWorkers: this.processes,
      workerTerminateTimeout: TERMINATE_GRACE_MS,
      // What Node.js warns of there, it warns of in the daemon as well, which knows how to log it.
      forkOpts: { serialization: 'advanced', env: { ...this.options.env, NODE_NO_WARNINGS: '1' } },
    });
  }

  /** Ends all processes; tasks that run are rejected. Callers that want them finished wait before. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.pool === undefined) return;
    const pids = this.processStates().map((state) => state.pid);
    const { pool } = this;
    this.pool = undefined;
    try {
      await pool.terminate(true, TERMINATE_LIMIT_MS);
    } catch {
      pids.forEach(kill);
    }
  }

  /** Busy processes, and tasks that wait for one. */
  load(): { readonly busy: number; readonly waiting: number } {
    const stats = this.pool?.stats();
    return { busy: stats?.busyWorkers ?? 0, waiting: this.slots.waiting };
  }

  /**
   * Does `work` when a process is free, and keeps that one for it: what is looked at in it is as of the moment in which a
   * batch can begin. In `work` the pool must be asked for nothing else.
   */
  whenFree<T>(work: (free: FreeProcess) => Promise<T>): Promise<T> {
    return this.slots.run(() => work(this.free));
  }

  /**
   * Loads a model file, checks it against its mapping and tries it.
   * @throws ForewarmError FW_MODEL_*, FW_INFERENCE_*
   */
  inspect(task: InspectTask): Promise<ModelSpec> {
    return this.slots.run(() => this.run<ModelSpec>('inspect', task, `inspecting ${task.mapping.file}`));
  }

  /**
   * Looks into a model file.
   * @throws ForewarmError FW_MODEL_FILE_MISSING, FW_MODEL_NOT_ONNX, FW_INFERENCE_*
   */
  describe(task: DescribeTask): Promise<ModelFacts> {
    return this.slots.run(() => this.run<ModelFacts>('describe', task, `looking into ${task.file}`));
  }

  /**
   * Computes rows for a reader, and writes nothing.
   * @throws ForewarmError FW_INFERENCE_TIME_LIMIT, FW_INFERENCE_CRASHED, FW_MODEL_*
   */
  rows(task: RowsTask): Promise<RowsAnswer> {
    const what = `${task.categories.length} rows of ${task.spec.name} for readers`;
    return this.slots.run(() => this.run<RowsAnswer>('rows', task, what));
  }

  private async run<T>(method: Method, task: Task, what: string): Promise<T> {
    for (let placement = 1; ; placement++) {
      let attempt = await this.attempt<T>(method, task, what);
      // As often as there are such processes: each of them has made way for a new one.
      while ('outdated' in attempt) attempt = await this.attempt<T>(method, task, what);
      if ('result' in attempt) return attempt.result;
      const again = !attempt.begun && attempt.error.code === 'FW_INFERENCE_CRASHED' && placement < MAX_PLACEMENTS;
      if (again && !this.stopped) continue;
      throw attempt.error;
    }
  }

  private async attempt<T>(method: Method, task: Task, what: string): Promise<Attempt<T>> {
    const { pool } = this;
    if (pool === undefined)
      throw new ForewarmError('FW_INFERENCE_CRASHED', `${what}: the inference pool is not running`);
    const watch = new TaskWatch(this.options.timeLimitMs, () => this.killSilentProcesses());
    this.watches.add(watch);
    try {
      const result: T = await pool.exec(method, [task], { on: (begun: TaskStarted) => watch.begin(begun.pid) });
      return { result };
    } catch (error) {
      const known = catalogued(error) ?? thrownInside(error);
      if (known !== undefined) return { error: known, begun: true };
      if (endOf(error) === `exit code ${OUTDATED_EXIT_CODE}`) return { outdated: true };
      const lost = watch.expired
        ? new ForewarmError('FW_INFERENCE_TIME_LIMIT', `${what} took longer than ${this.options.timeLimitMs} ms`)
        : new ForewarmError('FW_INFERENCE_CRASHED', `${what}: the inference process ended: ${endOf(error)}`);
      if (!this.stopped) this.options.onProcessLost(lost);
      return { error: lost, begun: watch.pid !== undefined };
    } finally {
      watch.end();
      this.watches.delete(watch);
    }
  }

  /** Ends processes that were given a task and have not said that they began it. */
  private killSilentProcesses(): void {
    const begun = new Set([...this.watches].map((watch) => watch.pid));
    for (const { pid, busy } of this.processStates()) if (busy && !begun.has(pid)) kill(pid);
  }

  private processStates(): { pid: number; busy: boolean }[] {
    if (this.pool === undefined) return [];
    const { workers } = this.pool as unknown as { workers: PoolWorker[] };
    return workers.flatMap((handler) =>
      handler.worker?.pid === undefined ? [] : [{ pid: handler.worker.pid, busy: handler.busy() }],
    );
  }
}

/** What an inference process can do. */
type Method = 'batch' | 'rows' | 'inspect' | 'describe';
type Task = BatchTask | RowsTask | InspectTask | DescribeTask;

/** How a task went with one process; `outdated`, when the process left because it held another generation of the model. */
type Attempt<T> = { result: T } | { error: ForewarmError; begun: boolean } | { outdated: true };

/** What the library keeps of each of its processes; its types do not show it. */
interface PoolWorker {
  readonly worker: { readonly pid?: number } | null;
  busy(): boolean;
}

/**
 * Watches one task. It kills the process of a task that takes too long: the library's own limit asks the process to
 * leave, which one that is stuck in the runtime, or stopped, does not do.
 */
class TaskWatch {
  pid: number | undefined;
  expired = false;
  private timer: AwakeTimer;
  private readonly limitMs: number;

  constructor(limitMs: number, onSilence: () => void) {
    this.limitMs = limitMs;
    const listen = (): AwakeTimer =>
      new AwakeTimer(START_LIMIT_MS, () => {
        this.timer = listen();
        onSilence();
      });
    this.timer = listen();
  }

  begin(pid: number): void {
    this.timer.clear();
    this.pid = pid;
    this.timer = new AwakeTimer(this.limitMs, () => {
      this.expired = true;
      kill(pid);
    });
  }

  end(): void {
    this.timer.clear();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already: that is what was wanted.
  }
}

/** An error of the catalogue that crossed the process border, as itself. */
function catalogued(error: unknown): ForewarmError | undefined {
  const plain = error as Partial<PlainError> | null;
  if (typeof plain?.code !== 'string' || !(plain.code in ERROR_CATALOGUE)) return undefined;
  return ForewarmError.fromPlain(plain as PlainError);
}

/** What the library says when a process is no longer there. */
const GONE = /^(Workerpool )?Worker (terminated|Terminating|is terminated|error)|^Pool terminated/;

/** An exception of the program in the process, which lives on: a fault of ours. */
function thrownInside(error: unknown): ForewarmError | undefined {
  return GONE.test(messageOf(error)) ? undefined : asForewarmError(error, 'FW_INTERNAL', 'in an inference process');
}

function endOf(error: unknown): string {
  const signal = /signalCode: `(\w+)`/.exec(messageOf(error))?.[1];
  const code = /exitCode: `(\w+)`/.exec(messageOf(error))?.[1];
  if (signal !== undefined && signal !== 'null') return `signal ${signal}`;
  return code !== undefined && code !== 'null' ? `exit code ${code}` : (messageOf(error).split('\n')[0] ?? '');
}
