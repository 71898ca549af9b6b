import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

type Fault = 'none' | 'cut' | 'reset' | 'frozen';

/** One client with its connection to the real server; without one where it came while all was frozen. */
interface Link {
  readonly sockets: readonly Socket[];
  readonly ended: AbortController;
  /** Bytes were swallowed, or an end was not passed on: nothing that comes later can be understood. */
  broken: boolean;
}

/**
 * A network between a client and a real server that goes wrong as a test asks, on a loopback port that stays the same. What goes
 * through is not counted and not slowed by a slow side: it is small.
 */
export class FaultyProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string;
  private readonly target: { readonly host: string; readonly port: number };
  private readonly server: Server;
  private readonly port: number;
  private readonly links = new Set<Link>();
  private fault: Fault = 'none';
  private delayMs = 0;

  private constructor(url: string, server: Server, port: number) {
    const { hostname, port: behind } = new URL(url);
    this.target = { host: hostname, port: Number(behind) };
    this.server = server;
    this.port = port;
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(port);
    this.url = through.toString();
    server.on('connection', (client: Socket) => this.accept(client));
  }

  /** To the server of this URL, whose scheme (`redis:`, `postgres:`) does not matter but whose port must be there. `close` it. */
  static async to(url: string): Promise<FaultyProxy> {
    // An end that is not passed on must not be answered either.
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return new FaultyProxy(url, server, address.port);
  }

  /** Clients that are connected, in whatever state. */
  get connections(): number {
    return this.links.size;
  }

  /** Those of them whose bytes, or whose end, a freeze has swallowed. */
  get broken(): number {
    return [...this.links].filter(({ broken }) => broken).length;
  }

  /** Each chunk of bytes arrives so much later, in both directions; 0 ends it. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  /** Closes all connections in good order and refuses new ones, as a server does that was stopped. */
  async cut(): Promise<void> {
    this.fault = 'cut';
    this.destroyAll((socket) => socket.destroy());
    if (!this.server.listening) return;
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Breaks all connections, and each new one, by a reset. */
  reset(): void {
    this.fault = 'reset';
    this.destroyAll((socket) => socket.resetAndDestroy());
  }

  /** Takes whatever comes, also new connections, and passes nothing on, not even that a side has ended. */
  freeze(): void {
    this.fault = 'frozen';
  }

  /** All is well again. Connections that lost bytes are reset, others go on. */
  async heal(): Promise<void> {
    this.fault = 'none';
    this.delayMs = 0;
    this.destroyAll(
      (socket) => socket.resetAndDestroy(),
      ({ broken }) => broken,
    );
    if (!this.server.listening) await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
  }

  async close(): Promise<void> {
    await this.cut();
  }

  private accept(client: Socket): void {
    if (this.fault === 'reset' || this.fault === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const frozen = this.fault === 'frozen';
    const sockets = frozen ? [client] : [client, connect({ ...this.target, allowHalfOpen: true })];
    const link: Link = { sockets, ended: new AbortController(), broken: frozen };
    this.links.add(link);
    for (const [i, socket] of sockets.entries()) this.pass(link, socket, sockets[1 - i]);
  }

  private pass(link: Link, from: Socket, to: Socket | undefined): void {
    from.setNoDelay(true);
    let passed: Promise<void> = Promise.resolve();
    const inTurn = (act: (to: Socket) => void): void => {
      const due = performance.now() + this.delayMs;
      const before = passed;
      passed = this.wait(link, before, due).then(() => {
        if (this.fault === 'frozen' || to === undefined) link.broken = true;
        else if (!link.ended.signal.aborted) act(to);
      });
    };
    from.on('data', (chunk: Buffer) => inTurn((other) => other.write(chunk)));
    from.on('end', () => inTurn((other) => other.end()));
    from.on('error', () => undefined);
    from.on('close', () => {
      if (this.fault === 'frozen') link.broken = true;
      else this.destroy(link, (socket) => socket.destroy());
    });
  }

  /** Until it is due, and after what came before it. */
  private async wait({ ended: { signal } }: Link, before: Promise<void>, due: number): Promise<void> {
    const ms = due - performance.now();
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
    await before;
  }

  private destroyAll(how: (socket: Socket) => void, which: (link: Link) => boolean = () => true): void {
    for (const link of [...this.links]) if (which(link)) this.destroy(link, how);
  }

  private destroy(link: Link, how: (socket: Socket) => void): void {
    if (!this.links.delete(link)) return;
    link.ended.abort();
    for (const socket of link.sockets) if (!socket.destroyed) how(socket);
  }
}
