import type { AddressInfo } from 'node:net';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance } from 'fastify';
import { isLoopback } from '#shared/config/listen';
import type { Config } from '#shared/config/types';
import { ForewarmError, messageOf } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import type { Metrics } from '#shared/metrics';
import { within } from '#shared/within';
import { KnownRoutes } from './known-routes';
import { pathOf, problemHandler } from './problem';
import { refuseRaw } from './raw-refusal';
import { securityHeaders } from './security-headers';
import { requireToken, Tokens } from './tokens';

/** What the daemon says of itself at `/readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

export interface MountOptions {
  /** Pages and figures for the operator: for whoever reaches this machine, and with a token alone for others. */
  readonly operatorsOnly?: boolean;
}

type Load = (scope: FastifyInstance) => Promise<void>;

/** For what is mounted to be read from disk, on a machine that does much else. */
const LOAD_MS = 60_000;
/** Ids of jobs carry names of models, and come percent-encoded. */
const MAX_PARAM_LENGTH = 500;
/** How often it looks for requests that have not arrived in time. */
const LOOK_MS = 1_000;

/** The daemon's one HTTP listener: health, readiness and metrics for every role, and what is mounted on it. */
export class HttpListener implements Service {
  readonly name = 'http listener';
  readonly app: FastifyInstance;
  readonly tokens: Tokens;
  private readonly settings: Config['http'];
  /** For requests that are under way when it stops, milliseconds. */
  private readonly graceMs: number;
  private readonly log: Logger;

  constructor(
    { http: settings, shutdown }: Pick<Config, 'http' | 'shutdown'>,
    metrics: Metrics,
    readiness: () => Promise<Readiness>,
    log: Logger,
  ) {
    this.settings = settings;
    this.graceMs = shutdown.graceMs;
    this.log = log;
    this.tokens = new Tokens(settings.tokens);
    this.app = Fastify({
      logger: false,
      forceCloseConnections: 'idle',
      pluginTimeout: LOAD_MS,
      requestTimeout: settings.requestTimeoutMs,
      // A limit for headers that is longer would be that of the request.
      http: {
        headersTimeout: settings.requestTimeoutMs,
        requestTimeout: settings.requestTimeoutMs,
        connectionsCheckingInterval: Math.min(LOOK_MS, settings.requestTimeoutMs),
      },
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
      // What a client sends is taken as it is, or refused.
      ajv: {
        customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true },
      },
      clientErrorHandler: refuseRaw,
      // Of paths that are no paths.
      frameworkErrors: problemHandler(log),
    });
    const routes = new KnownRoutes(this.app);
    this.app.setErrorHandler(problemHandler(log));
    this.app.setNotFoundHandler((request, reply) => {
      throw notFound(routes.methodsAt(pathOf(request)), request.method, pathOf(request), (allow) =>
        reply.header('allow', allow),
      );
    });
    this.app.register(helmet, securityHeaders());
    this.app.get('/healthz', () => ({ status: 'ok', uptime_s: Math.round(process.uptime()) }));
    this.app.get('/readyz', async (_request, reply) => {
      const state = await readiness();
      reply.code(state.ready ? 200 : 503);
      return state;
    });
    const showMetrics: Load = async (scope) => {
      scope.get('/metrics', async (_request, reply) => {
        reply.type(metrics.registry.contentType);
        return metrics.registry.metrics();
      });
    };
    this.mount('', showMetrics, { operatorsOnly: true });
  }

  /** Whether pages and figures for the operator ask for a token: others than this machine reach them, and tokens there are. */
  get operatorsOnly(): boolean {
    return this.tokens.configured && !isLoopback(this.settings.host);
  }

  /** Adds the routes of `load` under `path`; it is called when the listener starts. */
  mount(path: string, load: Load, { operatorsOnly = false }: MountOptions = {}): void {
    const guarded = operatorsOnly && this.operatorsOnly;
    const loadGuarded: Load = async (scope) => {
      requireToken(scope, this.tokens);
      await load(scope);
    };
    this.app.register(guarded ? loadGuarded : load, { prefix: path });
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
    const { host, port } = this.settings;
    try {
      await this.app.listen({ host, port });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const at = `http.host ${host}, http.port ${port}`;
      if (code === 'EADDRINUSE')
        throw new ForewarmError('FW_PORT_IN_USE', `${at}: the port is taken`, { cause: error });
      throw new ForewarmError('FW_CONFIG_INVALID', `${at}: cannot listen there: ${messageOf(error)}`, { cause: error });
    }
    this.log.info('listening', { url: this.url });
    if (!isLoopback(host) && !this.tokens.configured) {
      const because = 'http.exposeWithoutAuthentication';
      this.log.warn('exposed: everybody who reaches the address can read and drive this daemon', { because });
    }
  }

  /** Takes no more requests, and gives those that are under way the time that running work has. */
  async stop(): Promise<void> {
    const closed = this.app.close();
    if (!(await within(closed, this.graceMs))) this.app.server.closeAllConnections();
    await closed;
  }
}

function notFound(
  methods: readonly string[],
  method: string,
  path: string,
  allow: (value: string) => void,
): ForewarmError {
  if (methods.length === 0) return new ForewarmError('FW_HTTP_NOT_FOUND', `there is nothing at ${path}`);
  allow(methods.join(', '));
  return new ForewarmError('FW_HTTP_METHOD', `${path} does not take ${method}`);
}
