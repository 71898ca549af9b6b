import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { isLoopback } from '#shared/config/listen';
import type { Config } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import type { ModelCatalogue } from '#shared/model/model-catalogue';
import { refuseOtherSites, requireLoopbackName } from '../cross-site';
import type { Tokens } from '../tokens';

const MINUTE_MS = 60_000;
/** Clients that are counted apart from each other. */
const CLIENTS = 10_000;

/** Refuses models that are not of the configuration with FW_MODEL_UNKNOWN: strangers look for nothing in the stores. */
export function requireConfigured(scope: FastifyInstance, models: Pick<ModelCatalogue, 'configured'>): void {
  scope.addHook('preValidation', (request, _reply, done) => {
    const { model } = request.params as { readonly model?: string };
    if (model === undefined) done();
    else attempt(() => void models.configured(model), done);
  });
}

/** Lets to the routes of a scope who may ask, and as often as they may. Call it before the routes are added. */
export type Guard = (scope: FastifyInstance) => void;

/**
 * A guard for any number of scopes below this one, which count together. Refusals are thrown: FW_HTTP_CROSS_SITE,
 * FW_HTTP_RATE_LIMIT, FW_HTTP_UNAUTHORIZED.
 */
export async function accessGuard(scope: FastifyInstance, http: Config['http'], tokens: Tokens): Promise<Guard> {
  // With tokens, a page that reaches this machine under another name has none.
  const loopbackOnly = isLoopback(http.host) && !tokens.configured;
  const limit = http.rateLimit === 'off' ? undefined : await limiter(scope, http.rateLimit, tokens);
  const onRequest: onRequestHookHandler = (request, reply, done) => {
    const admit = (): void => {
      if (loopbackOnly) requireLoopbackName(request.headers.host);
      if (!tokens.configured) refuseOtherSites(request);
      else if (tokens.carriedBy(request) === undefined) throw tokens.refusal(request, reply);
    };
    if (limit === undefined) attempt(admit, done);
    else limit(request, reply).then(() => attempt(admit, done), done);
  };
  return (guarded) => {
    guarded.addHook('onRequest', onRequest);
  };
}

function attempt(admit: () => void, done: (error?: Error) => void): void {
  try {
    admit();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

/** Counts the requests of each token, and of each address that shows none. */
async function limiter(scope: FastifyInstance, max: number, tokens: Tokens) {
  await scope.register(rateLimit, { global: false, cache: CLIENTS });
  const count = scope.createRateLimit({
    max,
    timeWindow: MINUTE_MS,
    keyGenerator: (request: FastifyRequest) => {
      const token = tokens.carriedBy(request);
      return token === undefined ? `address ${request.ip}` : `token ${token}`;
    },
  });
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    reply.header('retry-after', counted.ttlInSeconds);
    throw new ForewarmError('FW_HTTP_RATE_LIMIT', `more than ${max} requests in this minute`);
  };
}
