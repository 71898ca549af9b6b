/** A server as the supervisor builds it, seen from here. */
export interface Supervised {
  readonly url: string;
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error naming what a test left behind */
export function refuseLeft(left: readonly string[]): void {
  if (left.length > 0) throw new Error(`This test left behind:\n${left.map((line) => `  - ${line}`).join('\n')}`);
}

const WITHOUT_END: readonly NodeJS.Signals[] = ['SIGSTOP', 'SIGCONT'];

export interface TestServerParts {
  /** Makes the next supervised server; it is told whom to call when that one ends by itself. */
  readonly build: (onExit: () => void) => Supervised;
  /** What a running server should not hold any more when its test is over, one line each. */
  readonly leftIn: (url: string) => Promise<string[]>;
  /** Whether a killed server leaves what only its next start finds: shared memory. */
  readonly outlivesItself?: boolean;
  /** Removes what lies on the disk. */
  readonly remove: () => void;
}

/**
 * A real server of one test: the same port, password and data through every `restart`. One that runs when it is stopped has
 * to be left by everybody: its clients are those of the test and of what the test started.
 */
export class TestServer {
  private readonly parts: TestServerParts;
  private server: Supervised | undefined;
  private ended: Promise<void> = Promise.resolve();
  private meantToRun = false;

  constructor(parts: TestServerParts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    this.ended = new Promise((resolve) => {
      this.server = this.parts.build(resolve);
    });
    await this.server?.start();
    this.meantToRun = true;
  }

  get url(): string {
    return this.running().url;
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.server?.pid;
  }

  /** Sends a signal; unless it is SIGSTOP or SIGCONT, waits until the server is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { pid } = this.running();
    if (pid === undefined) return;
    process.kill(pid, signal);
    if (!WITHOUT_END.includes(signal)) await this.ended;
  }

  /** Down in good order, with its data kept; `restart` brings it back. */
  async down(): Promise<void> {
    this.wake();
    this.meantToRun = false;
    await this.server?.stop();
  }

  /** The same server again, after `kill` or `down`, or in place of the running one. */
  async restart(): Promise<void> {
    await this.down();
    await this.start();
  }

  /** For good: its data are removed. Fails, when that is done, and names what should not have been left in it. */
  async stop(): Promise<void> {
    this.wake();
    const left = this.pid === undefined ? [] : await this.parts.leftIn(this.running().url);
    // One that died, or was dying when it was asked, has nobody in it.
    const died = this.pid === undefined;
    // One that does not start any more leaves what it leaves.
    if (died && this.meantToRun && this.parts.outlivesItself) await this.start().catch(() => undefined);
    await this.down();
    this.parts.remove();
    if (!died) refuseLeft(left);
  }

  /** A process that was stopped by SIGSTOP answers nothing, and does not see the request to end. */
  private wake(): void {
    const { pid } = this;
    try {
      if (pid !== undefined) process.kill(pid, 'SIGCONT');
    } catch {
      // It ended a moment ago.
    }
  }

  private running(): Supervised {
    if (this.server === undefined) throw new Error('the test server was not started');
    return this.server;
  }
}
