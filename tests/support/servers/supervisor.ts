import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { TEST_ENVIRONMENT } from './temp-folder';

const SCRIPT = join(__dirname, 'supervise.cjs');

/** What `supervise.cjs` writes when its servers run. */
export interface SupervisedServers {
  readonly pids: { readonly redis: number; readonly postgres: number };
  readonly redisUrl: string;
  readonly postgresUrl: string;
}

/** `EmbeddedServices` in a process of its own, which leads a process group as it would in a terminal. */
export class Supervisor {
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly lines: Interface;

  constructor(folder: string, store: string) {
    const child = spawn(process.execPath, [SCRIPT, folder, store], {
      detached: true,
      env: TEST_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.pid === undefined) throw new Error(`${SCRIPT} cannot be run`);
    this.pid = child.pid;
    this.child = child;
    this.lines = createInterface({ input: child.stdout });
  }

  /** The next line that it writes. */
  async says(): Promise<unknown> {
    const [line] = await once(this.lines, 'line');
    return JSON.parse(String(line));
  }

  /** Ends it by a signal: SIGTERM stops the servers first, SIGUSR2 is a `process.exit()` without that. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}
