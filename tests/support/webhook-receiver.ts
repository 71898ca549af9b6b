import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Notice } from '#shared/alerts/notice';

export interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

/** Somebody's receiver of messages of alerts, on a free loopback port that it keeps. `stop` it. */
export class WebhookReceiver {
  readonly posted: Posted[] = [];
  /** What it answers with. */
  status = 200;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  /** @param answers false for one that takes everything and never says a word */
  static async start(answers = true): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.listen(answers);
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook/secret-path`;
  }

  /** What has arrived, as the JSON of Forewarm's own form. */
  get notices(): Notice[] {
    return this.posted.map(({ body }) => JSON.parse(body) as Notice);
  }

  /** The events of one condition, in the order in which they came, such as `['fired', 'resolved']`. */
  events(condition: string, model: string | null = null): string[] {
    return this.notices
      .filter((notice) => notice.condition === condition && (model === null || notice.model === model))
      .map(({ event }) => event);
  }

  async listen(answers = true): Promise<void> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { headers, url: path = '' } = request;
        if (this.status < 300) this.posted.push({ headers, path, body: Buffer.concat(chunks).toString() });
        if (!answers) return;
        response.statusCode = this.status;
        response.end(this.status < 300 ? 'ok' : 'no room\n');
      });
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on; `listen` takes them again. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
