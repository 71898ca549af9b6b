import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One line of a daemon's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [fact: string]: unknown;
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
