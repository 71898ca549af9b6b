import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ForewarmError, messageOf } from '#shared/errors';
import { takeBinary } from './binary';

/** Where the JSON of a body ends, and the bytes of tensors begin. */
const LENGTH_HEADER = 'inference-header-content-length';

/** Clients send JSON without saying so, or as bytes when there are bytes behind it. */
const TYPE = /^application\/(json|octet-stream)\s*(;|$)/i;

/** Takes the bodies of this scope as clients of the protocol send them. */
export function takeBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, ({ headers }, bytes, done) => {
    try {
      done(null, bodyOf(headers, bytes as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function bodyOf(headers: IncomingHttpHeaders, bytes: Buffer): unknown {
  const { 'content-type': type, [LENGTH_HEADER]: given } = headers;
  if (type !== undefined && !TYPE.test(type)) {
    throw new ForewarmError('FW_HTTP_CONTENT_TYPE', `the body is sent as ${type}`);
  }
  if (given === undefined) return parsed(bytes);
  const length = /^\d{1,15}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (!(length <= bytes.length)) {
    throw new ForewarmError('FW_HTTP_BAD_REQUEST', `${LENGTH_HEADER} is ${given}; the body has ${bytes.length} bytes`);
  }
  const body = parsed(bytes.subarray(0, length));
  takeBinary(body, bytes.subarray(length));
  return body;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new ForewarmError('FW_HTTP_BAD_REQUEST', `the body is no JSON: ${messageOf(error)}`);
  }
}
