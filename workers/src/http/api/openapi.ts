import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import type { ModelConfig } from '#shared/config/types';
import { version } from '#shared/version';
import { modelPaths } from './model-paths';
import type { ApiParts } from './parts';

const DESCRIPTION =
  'Predictions that are already computed. `/v1` is the API of Forewarm, `/v2` the Open Inference Protocol. Errors of `/v1` are ' +
  'problem details (RFC 9457) with a stable `code`.';

/** Keeps the OpenAPI document of what is registered after it, for `/openapi.json`. The models of the configuration have paths of their own in it. */
export async function keepDocument(scope: FastifyInstance, { context, tokens }: ApiParts): Promise<void> {
  const bearer = { token: { type: 'http' as const, scheme: 'bearer' } };
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Forewarm', version: version(), description: DESCRIPTION },
      tags: [
        { name: 'predictions', description: 'Reading predictions.' },
        { name: 'warming', description: 'Asking for a cycle. Needs a token.' },
        { name: 'open inference protocol', description: 'Version 2, for clients of KServe and Triton.' },
      ],
      ...(tokens.configured && { security: [{ token: [] }], components: { securitySchemes: bearer } }),
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema-${i}`) },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      return withModels(document.openapiObject, context.config.models);
    },
  });
}

type Document = Readonly<{ paths?: object }>;

function withModels<D extends Document>(document: D, models: readonly ModelConfig[]): D {
  const own = Object.assign({}, ...models.map((model) => modelPaths(model, document.paths ?? {})));
  return { ...document, paths: { ...own, ...document.paths } };
}
