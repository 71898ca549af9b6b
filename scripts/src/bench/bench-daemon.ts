import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoopDelay } from './daemon-probe';

/** dist/scripts/bench -> dist/workers/main.js */
const MAIN = join(__dirname, '..', '..', 'workers', 'main.js');

interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly [fact: string]: unknown;
}

/** The line of an ended cycle, and when it came, by the clock of `performance.now()`. */
export interface EndedCycle {
  readonly id: string;
  readonly state: string;
  readonly computed: number;
  readonly rows: number;
  readonly atMs: number;
}

/** A real daemon in a process of its own, with a probe beside it and its log read line by line. */
export class BenchDaemon {
  /** Resolves when it is up; rejects when it ended before. */
  readonly running: Promise<void>;
  /** Where it listens. */
  readonly url: Promise<string>;
  private readonly child: ChildProcess;
  private readonly lines: LogLine[] = [];
  private readonly listeners = new Set<(line: LogLine) => void>();

  constructor(configFile: string, roles: string, processes: number | 'auto') {
    const args = ['start', '--config', configFile, '--roles', roles, '--set', `inference.processes=${processes}`];
    this.child = fork(MAIN, args, {
      execArgv: ['--require', join(__dirname, 'daemon-probe.js')],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    if (this.child.stderr) createInterface({ input: this.child.stderr }).on('line', (line) => this.read(line));
    this.running = this.logged(({ message }) => message === 'forewarm is running').then(() => undefined);
    this.url = this.logged(({ message }) => message === 'listening').then(({ url }) => String(url));
    for (const told of [this.running, this.url]) told.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The next cycle that ends. */
  async cycle(): Promise<EndedCycle> {
    const line = await this.logged(({ message, cycle }) => message.startsWith('cycle ') && cycle !== undefined);
    const atMs = performance.now();
    const { cycle, computed, rows, message } = line;
    return {
      id: String(cycle),
      state: message.slice('cycle '.length),
      computed: Number(computed),
      rows: Number(rows),
      atMs,
    };
  }

  /** The delay of its event loop since this was last asked. */
  async loopDelay(): Promise<LoopDelay> {
    const answer = once(this.child, 'message') as Promise<[LoopDelay]>;
    this.child.send('delay');
    return (await answer)[0];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }

  private logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const hear = (line: LogLine): void => {
        if (fits(line)) settle(() => resolve(line));
      };
      const ended = (): void => {
        const last = this.lines.slice(-10).map((line) => JSON.stringify(line));
        settle(() => reject(new Error(`the daemon ended; its last lines were:\n${last.join('\n')}`)));
      };
      const settle = (done: () => void): void => {
        this.listeners.delete(hear);
        this.child.off('exit', ended);
        done();
      };
      this.listeners.add(hear);
      this.child.once('exit', ended);
    });
  }

  private read(text: string): void {
    let line: LogLine;
    try {
      line = JSON.parse(text) as LogLine;
    } catch {
      line = { level: 'error', message: text };
    }
    this.lines.push(line);
    for (const hear of [...this.listeners]) hear(line);
  }
}
