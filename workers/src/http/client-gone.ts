import type { FastifyReply } from 'fastify';

/** Why the work for a request was given up: nobody is left to hear the answer. */
export const CLIENT_GONE = new Error('the client went away before it was answered');

/** A signal that is aborted when the client goes away. That of Fastify is aborted when a body has been read. */
export function whileConnected({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(CLIENT_GONE);
  });
  return controller.signal;
}
