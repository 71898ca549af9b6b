import type { Socket } from 'node:net';
import { ForewarmError } from '#shared/errors';
import { PROBLEM_TYPE, problemOf } from './problem';

/** What is answered to bytes of which the server of Node makes no request: they reach no route and no error handler. */
export function refuseRaw(error: NodeJS.ErrnoException, socket: Socket): void {
  // Also when the client has gone.
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, reason, cause] = refusalOf(error.code);
  const body = JSON.stringify({ ...problemOf(cause, ''), status });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncache-control: no-store\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function refusalOf(code: string | undefined): readonly [status: number, reason: string, error: ForewarmError] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'Request Timeout', new ForewarmError('FW_HTTP_TIME_LIMIT', 'the request did not arrive in time')];
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return [431, 'Request Header Fields Too Large', new ForewarmError('FW_HTTP_TOO_LARGE', 'the headers are too long')];
  }
  return [400, 'Bad Request', new ForewarmError('FW_HTTP_BAD_REQUEST', 'this is not HTTP/1.1')];
}
