import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** One line of a daemon's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [fact: string]: unknown;
}

/** What failed, by its log. That an alert tells of what a test breaks is no failure. */
export function errorsIn(lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ level, condition }) => level === 'error' && condition === undefined);
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const MAIN = join(__dirname, '..', '..', 'dist', 'workers', 'main.js');
/** Generous: it bounds a test that goes wrong, it is never waited for. */
const LIMIT_MS = 60_000;

/** A real run of the command line, with its log read line by line. Stop it, or the test file leaks it. */
export class DaemonProcess {
  readonly lines: LogLine[] = [];
  /** Everything on standard error that is not a log line. */
  stderr = '';
  stdout = '';
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  constructor(args: readonly string[], options: { readonly cwd: string; readonly env?: Record<string, string> }) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.wake();
    });
    if (this.child.stderr) createInterface({ input: this.child.stderr }).on('line', (line) => this.read(line));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.wake();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resolves with the first line, past or to come, that fits; `after` skips lines that were read before. */
  async logged(fits: (line: LogLine) => boolean, { after = 0, limitMs = LIMIT_MS } = {}): Promise<LogLine> {
    return this.until(() => this.lines.slice(after).find(fits), limitMs);
  }

  /** The next line of an ended cycle in this state, from `after` on. */
  cycle(state = 'complete', after = 0): Promise<LogLine> {
    return this.logged((line) => line.message === `cycle ${state}`, { after });
  }

  /** How many lines there are now: what `after` takes. */
  get mark(): number {
    return this.lines.length;
  }

  /** Where it listens. */
  async url(): Promise<string> {
    return String((await this.logged((line) => line.message === 'listening')).url);
  }

  /** The numbers of its inference processes. */
  async children(): Promise<number[]> {
    return (await processes()).filter(({ parent }) => parent === this.pid).map(({ pid }) => pid);
  }

  /**
   * An inference process in the middle of a run, as soon as there is one: it is seen computing, look after look. One that
   * is still starting has not got its name yet, and one that tries the models before the daemon runs is not meant.
   */
  async computing(looks = 4): Promise<number> {
    await this.logged((line) => line.message === 'forewarm is running');
    let seen = new Map<number, number>();
    const limit = performance.now() + LIMIT_MS;
    while (performance.now() < limit) {
      const busy = (await processes()).filter(
        ({ parent, state, command }) =>
          parent === this.pid && state.startsWith('R') && command.startsWith('forewarm inference'),
      );
      seen = new Map(busy.map(({ pid }) => [pid, (seen.get(pid) ?? 0) + 1]));
      const found = [...seen].find(([, times]) => times >= looks);
      if (found !== undefined) return found[0];
    }
    throw this.trouble('computed nothing');
  }

  async printed(text: string): Promise<string> {
    return this.until(() => (this.stdout.includes(text) ? this.stdout : undefined), LIMIT_MS);
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }

  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private read(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      this.stderr += `${line}\n`;
    }
    this.wake();
  }

  private wake(): void {
    for (const look of this.waiting) look();
  }

  private until<T>(look: () => T | undefined, limitMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
        end();
      };
      const check = (): void => {
        const found = look();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.child.exitCode !== null || this.child.signalCode !== null)
          settle(() => reject(this.trouble('ended')));
      };
      const timer = setTimeout(() => settle(() => reject(this.trouble('did not come to it in time'))), limitMs);
      this.waiting.add(check);
      check();
    });
  }

  private trouble(what: string): Error {
    const log = this.lines.slice(-25).map((line) => JSON.stringify(line));
    return new Error(`the process ${what}; its output was:\n${log.join('\n')}\n${this.stderr}${this.stdout}`);
  }
}

interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

async function processes(): Promise<ProcessState[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,ppid=,state=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (state === undefined || command === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), state, command }];
  });
}

/** These processes and all that descend from them, as far as they are there. */
export async function withDescendants(pids: readonly number[]): Promise<number[]> {
  const all = await processes();
  const found = new Set(pids);
  // A child may be listed before its parent.
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.flatMap(({ pid }) => (found.has(pid) ? [pid] : []));
}

/** Whether a process of this number is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await processes()).some((entry) => entry.pid === pid && !entry.state.startsWith('Z'));
}

/** Runs a command to its end. */
export async function runCommand(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const run = new DaemonProcess(args, options);
  const { code } = await run.ended;
  const lines = run.lines.map((line) => JSON.stringify(line)).join('\n');
  return { code, stdout: run.stdout, stderr: run.stderr + lines };
}
