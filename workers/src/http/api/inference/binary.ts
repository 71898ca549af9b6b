import type { FastifyRequest, preParsingHookHandler } from 'fastify';
import { ForewarmError } from '#shared/errors';

/** Triton's extension for tensors behind the JSON: its header says where they begin. */
const LENGTH_HEADER = 'inference-header-content-length';

/** @throws ForewarmError FW_HTTP_CONTENT_TYPE for tensors that are not JSON */
export const refuseBinary: preParsingHookHandler = ({ headers }: FastifyRequest, _reply, payload, done) => {
  if (headers[LENGTH_HEADER] === undefined) {
    done(null, payload);
    return;
  }
  const next = 'Send the tensors as JSON: with the client of Triton, binary_data=False.';
  done(new ForewarmError('FW_HTTP_CONTENT_TYPE', `${LENGTH_HEADER}: binary tensors are not taken`, { next }));
};
