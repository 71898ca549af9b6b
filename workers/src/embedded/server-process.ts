import { type ChildProcess, spawn } from 'node:child_process';
import { ForewarmError, messageOf } from '#shared/errors';
import { identify } from './process-identity';
import { ServerLog } from './server-log';
import { removeRecord, writeRecord } from './server-record';
import { endGroup, type ServerName, SHUTDOWN, shutDown } from './shutdown';
import type { SystemUser } from './system-user';

export interface ServerPlan {
  readonly name: ServerName;
  /** An absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Whom to run as; only root may name somebody else. */
  readonly user?: SystemUser | undefined;
  /** Where the record for the next start is kept while the process runs. */
  readonly recordFile?: string | undefined;
  /** See `ServerRecord.directory`. */
  readonly directory: string;
}

/** How a process ended: one of the two is null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Children whose end we did not see. When we end without having stopped them they get a last, synchronous signal. */
const alive = new Map<number, ServerName>();

process.on('exit', () => {
  for (const [pid, name] of alive) {
    try {
      process.kill(pid, SHUTDOWN[name][0]?.signal);
    } catch {
      // Gone in the same moment.
    }
  }
});

/** One child process in a group of its own, so that Ctrl-C in the terminal reaches us and not it. */
export class ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  private readonly plan: ServerPlan;
  private readonly log: ServerLog;
  private ended: ProcessExit | undefined;
  private stopping: Promise<void> | undefined;

  private constructor(plan: ServerPlan, log: ServerLog, child: ChildProcess, pid: number) {
    this.plan = plan;
    this.log = log;
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.ended = { code, signal };
        alive.delete(pid);
        if (plan.recordFile !== undefined) removeRecord(plan.recordFile);
        resolve(this.ended);
      });
    });
    // Recorded in the same turn as the spawn: killed after it, we leave a server that can be found again.
    const identity = identify(pid);
    if (identity !== undefined) {
      alive.set(pid, plan.name);
      if (plan.recordFile !== undefined) {
        writeRecord(plan.recordFile, { ...identity, name: plan.name, directory: plan.directory });
      }
    }
  }

  /** Throws FW_EMBEDDED_FAILED when the program cannot be run at all. */
  static async launch(plan: ServerPlan): Promise<ServerProcess> {
    const log = new ServerLog(plan.logFile);
    try {
      const child = spawn(plan.program, plan.args, {
        cwd: plan.workingDirectory,
        env: plan.environment,
        detached: true,
        stdio: ['ignore', log.descriptor, log.descriptor],
        ...(plan.user === undefined ? {} : { uid: plan.user.uid, gid: plan.user.gid }),
      });
      if (child.pid !== undefined) return new ServerProcess(plan, log, child, child.pid);
      throw await new Promise<Error>((resolve) => child.once('error', resolve));
    } catch (cause) {
      // Node reports some failures by an event and others (EPERM of setuid) by throwing.
      throw new ForewarmError(
        'FW_EMBEDDED_FAILED',
        `${plan.program} cannot be run${asWhom(plan)}: ${messageOf(cause)}.`,
        { cause, next: 'Check that the program fits this system (C library, processor) and may be executed.' },
      );
    } finally {
      log.close();
    }
  }

  get exit(): ProcessExit | undefined {
    return this.ended;
  }

  /** FW_EMBEDDED_FAILED with the end of the log of this start. */
  failure(what: string): ForewarmError {
    const quoted = this.log.tail();
    const log = quoted === '' ? 'Its log is empty.' : `The end of its log:\n${quoted}`;
    return new ForewarmError('FW_EMBEDDED_FAILED', `${what} (${this.describe()}). ${log}`, {
      details: { server: this.plan.name, pid: this.pid, logFile: this.plan.logFile, ...this.ended },
      next: `Read the end of its log above; all of it is in ${this.plan.logFile}.`,
    });
  }

  /** Ends it with rising force, bounded in time. Throws FW_EMBEDDED_FAILED when even SIGKILL does not end it. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    const gone = await shutDown(this.pid, SHUTDOWN[this.plan.name], (ms) => this.endsWithin(ms));
    if (!gone) throw this.failure(`${this.plan.name} cannot be stopped`);
    await endGroup(this.pid);
  }

  private async endsWithin(ms: number): Promise<boolean> {
    if (this.ended !== undefined || ms === 0) return this.ended !== undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const inTime = await Promise.race([this.exited.then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  }

  private describe(): string {
    const { ended } = this;
    if (ended === undefined) return `pid ${this.pid}`;
    return ended.signal === null ? `exit code ${ended.code}` : `ended by ${ended.signal}`;
  }
}

function asWhom(plan: ServerPlan): string {
  return plan.user === undefined ? '' : ` as user ${plan.user.name}`;
}
