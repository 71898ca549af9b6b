/** A server as the supervisor builds it, seen from here. */
export interface Supervised {
  readonly url: string;
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const WITHOUT_END: readonly NodeJS.Signals[] = ['SIGSTOP', 'SIGCONT'];

/**
 * A real server of one test: the same port, password and data through every `restart`. `build` makes the next supervised
 * server; it is told whom to call when that one ends by itself.
 */
export class TestServer {
  private readonly build: (onExit: () => void) => Supervised;
  private readonly remove: () => void;
  private server: Supervised | undefined;
  private ended: Promise<void> = Promise.resolve();

  constructor(build: (onExit: () => void) => Supervised, remove: () => void) {
    this.build = build;
    this.remove = remove;
  }

  async start(): Promise<void> {
    this.ended = new Promise((resolve) => {
      this.server = this.build(resolve);
    });
    await this.server?.start();
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
    const pid = this.server?.pid;
    // A stopped (SIGSTOP) process would not see the request to end.
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
    await this.server?.stop();
  }

  /** The same server again, after `kill` or `down`, or in place of the running one. */
  async restart(): Promise<void> {
    await this.down();
    await this.start();
  }

  /** For good: its data are removed. */
  async stop(): Promise<void> {
    await this.down();
    this.remove();
  }

  private running(): Supervised {
    if (this.server === undefined) throw new Error('the test server was not started');
    return this.server;
  }
}
