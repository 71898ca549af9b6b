import type { PostgresServer } from '#workers/embedded/postgres-server';
import type { RedisServer } from '#workers/embedded/redis-server';
import { familyOf } from './process-usage';

/** A real server that a suite may break: the same port and password through every `restart`, and the same data if it keeps any. */
export class BenchServer<Server extends RedisServer | PostgresServer> {
  private readonly build: (before: Server | undefined, onExit: () => void) => Server;
  private server: Server;
  private ended: Promise<void> = Promise.resolve();
  private stopped = false;

  /** @param build makes the next one, after the one before, and tells it whom to call when it ends by itself */
  constructor(build: (before: Server | undefined, onExit: () => void) => Server) {
    this.build = build;
    this.server = this.next(undefined);
  }

  start(): Promise<void> {
    return this.server.start();
  }

  /** The one that runs, or ran last. */
  get current(): Server {
    return this.server;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const { pid } = this.server;
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    await this.ended;
  }

  /** After `kill`. */
  async restart(): Promise<void> {
    if (this.stopped) throw new Error('the server was stopped for good');
    this.server = this.next(this.server);
    await this.server.start();
  }

  /** Neither it nor what it forked answers anything until `thaw`. */
  freeze(): void {
    this.signal('SIGSTOP');
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.thaw();
    await this.server.stop();
  }

  private next(before: Server | undefined): Server {
    let server: Server | undefined;
    this.ended = new Promise((resolve) => {
      server = this.build(before, resolve);
    });
    return server as Server;
  }

  private signal(name: NodeJS.Signals): void {
    const { pid } = this.server;
    if (pid === undefined) return;
    // The server first: what is stopped forks no more.
    for (const one of [pid, ...familyOf(pid)]) {
      try {
        process.kill(one, name);
      } catch {
        // It ended while we looked.
      }
    }
  }
}
