import type { AddressInfo } from 'node:net';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';
import { isLoopback } from '#shared/config/listen';
import { ForewarmError, messageOf } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import type { Metrics } from '#shared/metrics';
import { securityHeaders } from './security-headers';

/** What the daemon says of itself at `/readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** For what is mounted to be read from disk, on a machine that does much else. */
const LOAD_MS = 60_000;
/** Ids of jobs carry names of models, and come percent-encoded. */
const MAX_PARAM_LENGTH = 500;

/** The daemon's one HTTP listener: health, readiness and metrics for every role, and what is mounted on it. */
export class HttpListener implements Service {
  readonly name = 'http listener';
  readonly app: FastifyInstance;
  private readonly address: { readonly host: string; readonly port: number };
  private readonly log: Logger;

  constructor(
    address: { readonly host: string; readonly port: number },
    metrics: Metrics,
    readiness: () => Promise<Readiness>,
    log: Logger,
  ) {
    this.address = address;
    this.log = log;
    this.app = Fastify({
      logger: false,
      forceCloseConnections: true,
      pluginTimeout: LOAD_MS,
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    });
    this.app.register(helmet, securityHeaders());
    this.app.get('/healthz', () => ({ status: 'ok', uptime_s: Math.round(process.uptime()) }));
    this.app.get('/readyz', async (_request, reply) => {
      const state = await readiness();
      reply.code(state.ready ? 200 : 503);
      return state;
    });
    this.app.get('/metrics', async (_request, reply) => {
      reply.type(metrics.registry.contentType);
      return metrics.registry.metrics();
    });
  }

  /** Adds the routes of `load` under `path`; it is called when the listener starts. */
  mount(path: string, load: (scope: FastifyInstance) => Promise<void>): void {
    this.app.register(load, { prefix: path });
  }

  /** The address it listens on, such as `http://127.0.0.1:7878`; only while it runs. */
  get url(): string {
    const bound = this.app.server.address() as AddressInfo | null;
    const host = bound?.family === 'IPv6' ? `[${bound.address}]` : bound?.address;
    return `http://${host}:${bound?.port}`;
  }

  /** @throws ForewarmError FW_PORT_IN_USE */
  async start(): Promise<void> {
    await this.app.ready();
    try {
      await this.app.listen({ host: this.address.host, port: this.address.port });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const at = `http.host ${this.address.host}, http.port ${this.address.port}`;
      if (code === 'EADDRINUSE')
        throw new ForewarmError('FW_PORT_IN_USE', `${at}: the port is taken`, { cause: error });
      throw new ForewarmError('FW_CONFIG_INVALID', `${at}: cannot listen there: ${messageOf(error)}`, { cause: error });
    }
    this.log.info('listening', { url: this.url });
    if (!isLoopback(this.address.host)) {
      const because = 'http.exposeWithoutAuthentication';
      this.log.warn('exposed: everybody who reaches the address can read and drive this daemon', { because });
    }
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}
