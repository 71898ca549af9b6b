import type { FastifyInstance } from 'fastify';
import { accessGuard, requireConfigured } from './access';
import { openInference } from './inference/protocol';
import { models } from './models';
import { keepDocument } from './openapi';
import { pages } from './pages';
import type { ApiParts } from './parts';
import { predictions } from './predictions';
import { publish } from './publish';
import { rows } from './rows';
import { namedSchemas } from './schemas';
import { warm } from './warm';

/** Predictions over HTTP: our own API at `/v1`, the Open Inference Protocol at `/v2`, and what describes both. */
export async function api(scope: FastifyInstance, parts: ApiParts): Promise<void> {
  const { http } = parts.context.config;
  for (const schema of namedSchemas(http.maxBatch)) scope.addSchema(schema);
  await keepDocument(scope, parts);
  const guard = await accessGuard(scope, http, parts.tokens);
  await scope.register(
    async (v1) => {
      v1.removeContentTypeParser('text/plain');
      guard(v1);
      requireConfigured(v1, parts.context.models);
      for (const resource of [models, predictions, rows, warm, publish]) {
        await v1.register(async (own) => resource(own, parts));
      }
    },
    { prefix: '/v1' },
  );
  await scope.register((v2) => openInference(v2, parts, guard), { prefix: '/v2' });
  await scope.register((own) => pages(own, parts));
}
