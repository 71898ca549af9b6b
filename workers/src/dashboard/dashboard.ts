import { createBullBoard } from '@bull-board/api';
import helmet from '@fastify/helmet';
import type { Queue } from 'bullmq';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import type { Registry } from '#jobs/registry';
import { isLoopback } from '#shared/config/listen';
import { asForewarmError, ForewarmError } from '#shared/errors';
import { errorFacts } from '#shared/logger';
import { refuseCrossSite } from '../http/cross-site';
import { errorReply } from '../http/error-reply';
import { securityHeaders } from '../http/security-headers';
import { jobForms } from './job-forms';
import { rewritePage, STYLE, STYLE_SHEET } from './page';
import { ReadOnlyBoard } from './read-only-board';
import { readOnly } from './refusals';
import { ShownQueue } from './shown-queue';

export interface DashboardOptions {
  readonly registry: Registry;
  readonly context: JobContext;
  /** Of kind `prompt`, to the Redis of the queues. */
  readonly connection: Redis;
}

/** The page's own scripts and styles; its styles are set by scripts as well. */
const SOURCES = {
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
  baseUri: ["'self'"],
};

/**
 * The queues of the registry at the prefix of the scope: to be looked at, except that those with a form take jobs. They are asked for by each
 * request that finds Redis there: one that could not be opened is replaced by another.
 */
export async function dashboard(
  scope: FastifyInstance,
  { registry, context, connection }: DashboardOptions,
): Promise<void> {
  const { config, enqueue, log } = context;
  const forms = new Map(jobForms(context).map((form) => [form.job, form]));
  const explain = (thrown: unknown): unknown => {
    const error = explained(thrown);
    if (errorReply(error).status === 500) log.error('the dashboard failed', errorFacts(error));
    return error;
  };
  const board = new ReadOnlyBoard(explain);
  const uiConfig = { boardTitle: 'Forewarm', hideDocsLink: true };
  const { addQueue } = createBullBoard({ queues: [], serverAdapter: board, options: { uiConfig } });
  const shown = new Map<string, Queue>();

  refuseCrossSite(scope, { loopbackOnly: isLoopback(config.http.host) });
  await scope.register(helmet, securityHeaders(SOURCES));
  scope.addHook('onRequest', async ({ url }) => {
    if (!url.startsWith(`${scope.prefix}/api/`)) return;
    if (connection.status !== 'ready') {
      throw new ForewarmError('FW_REDIS_UNAVAILABLE', 'the Redis of the queues cannot be reached');
    }
    for (const definition of registry.definitions) {
      const queue = enqueue.queue(definition.name);
      if (shown.get(definition.name) === queue) continue;
      addQueue(new ShownQueue(definition, queue, forms.get(definition.name)));
      shown.set(definition.name, queue);
    }
  });
  scope.addHook('onSend', async (_request, reply, payload) => {
    const isPage = typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html');
    return isPage ? rewritePage(payload) : payload;
  });
  scope.setErrorHandler((error, _request, reply) => {
    const { status, body } = errorReply(explain(error));
    return reply.code(status).send(body);
  });
  scope.setNotFoundHandler(({ method, url }, reply) => {
    const [path = ''] = url.split('?');
    if (method !== 'GET' && method !== 'HEAD') {
      reply.header('allow', 'GET, HEAD');
      throw readOnly(path);
    }
    return reply.code(404).send({ error: `there is nothing at ${path}` });
  });
  scope.get(`/${STYLE_SHEET}`, (_request, reply) => reply.type('text/css').send(STYLE));
  for (const { job, add } of forms.values()) scope.post(`/api/queues/${job}/add`, ({ body }) => add(body));
  await scope.register(board.setBasePath(scope.prefix).registerPlugin());
}

const FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** What a route throws and nobody foresaw comes from the client of Redis, unless it is a fault in a program. */
function explained(error: unknown): unknown {
  const ofServer = typeof (error as { statusCode?: unknown } | null)?.statusCode === 'number';
  if (ofServer || FAULTS.some((Fault) => error instanceof Fault)) return error;
  return asForewarmError(error, 'FW_REDIS_UNAVAILABLE', 'asking the Redis of the queues');
}
