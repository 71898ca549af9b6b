import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CATALOGUE, type ErrorCode, type ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import { CLIENT_GONE } from './client-gone';
import { statusOf } from './error-reply';
import { httpError } from './http-error';

/** What cannot be answered now may be answered when a server is back, or a tier is tried again. */
const UNAVAILABLE = 503;
const RETRY_AFTER_S = 1;

export const PROBLEM_TYPE = 'application/problem+json';

/** Problem details (RFC 9457), with the code of the catalogue and what to do next. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly next: string;
  /** Path of the request. */
  readonly instance: string;
}

export function problemOf({ code, message, next }: ForewarmError, instance: string): Problem {
  const title = ERROR_CATALOGUE[code].means;
  return { type: `urn:forewarm:error:${code}`, title, status: statusOf(code), detail: message, code, next, instance };
}

/** Answers with problem details whatever was thrown; what nobody foresaw is logged and not told. */
export function problemHandler(log: Logger) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const error = answerable(thrown, request, log);
    const problem = problemOf(error, pathOf(request));
    if (problem.status === UNAVAILABLE) reply.header('retry-after', RETRY_AFTER_S);
    return reply
      .code(problem.status)
      .header('cache-control', 'no-store')
      .header('content-type', PROBLEM_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  };
}

/** What may be told of an error, after it was logged where nobody foresaw it. */
export function answerable(thrown: unknown, request: FastifyRequest, log: Logger): ForewarmError {
  const error = httpError(thrown);
  if (error.code === 'FW_INTERNAL' && thrown !== CLIENT_GONE) {
    const { method } = request;
    log.error('a request failed', { method, path: request.routeOptions.url, ...errorFacts(error.cause ?? error) });
  }
  return error;
}

export function pathOf({ url }: FastifyRequest): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
