import type { FastifyInstance } from 'fastify';
import { ForewarmError } from '#shared/errors';
import { version } from '#shared/version';
import { statusOf } from '../../error-reply';
import { answerable, pathOf } from '../../problem';
import { type Guard, requireConfigured } from '../access';
import type { ApiParts } from '../parts';
import { takeBodies } from './body';
import { inference } from './inference';
import { failures, inferenceSchemas, NOT_READY, serverMetadata } from './schemas';

/** The Open Inference Protocol v2 at the prefix of the scope. Health and the server's name are for everybody. */
export async function openInference(scope: FastifyInstance, parts: ApiParts, guard: Guard): Promise<void> {
  const { context, readiness } = parts;
  for (const schema of inferenceSchemas) scope.addSchema(schema);
  answerProtocolErrors(scope, parts);
  takeBodies(scope);
  scope.get('/health/live', { schema: LIVE }, () => ({ live: true }));
  scope.get('/health/ready', { schema: READY }, async (_request, reply) => {
    const { ready } = await readiness();
    reply.code(ready ? 200 : NOT_READY);
    return { ready };
  });
  const server = { name: 'forewarm', version: version(), extensions: ['binary_tensor_data'] };
  scope.get('', { schema: SERVER }, () => server);
  await scope.register(async (guarded) => {
    guard(guarded);
    requireConfigured(guarded, context.models);
    inference(guarded, parts);
  });
}

/** Errors in the shape of the protocol, with the code of the catalogue beside it. Clients look for this very type. */
function answerProtocolErrors(scope: FastifyInstance, { context }: ApiParts): void {
  scope.setErrorHandler((thrown, request, reply) => {
    const { code, message, next } = answerable(thrown, request, context.log);
    const status = statusOf(code);
    reply.code(status).header('cache-control', 'no-store').header('content-type', 'application/json');
    return reply.send(Buffer.from(JSON.stringify({ error: message, code, next })));
  });
  scope.setNotFoundHandler((request) => {
    throw new ForewarmError('FW_HTTP_NOT_FOUND', `there is nothing for ${request.method} at ${pathOf(request)}`);
  });
}

const TAGS = ['open inference protocol'];
const flag = (name: string) => ({ type: 'object', properties: { [name]: { type: 'boolean' } } });
const LIVE = { tags: TAGS, summary: 'Whether the server is there', response: { 200: flag('live') } };
const READY = {
  tags: TAGS,
  summary: 'Whether every model can be answered for',
  response: { 200: flag('ready'), 400: flag('ready') },
};
const SERVER = { tags: TAGS, summary: 'The server', response: { 200: serverMetadata, ...failures } };
