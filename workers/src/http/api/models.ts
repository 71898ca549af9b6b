import type { FastifyInstance } from 'fastify';
import { asForewarmError } from '#shared/errors';
import type { ModelDescription } from '#shared/predictor/answers';
import { whileConnected } from '../client-gone';
import { type Problem, pathOf, problemOf } from '../problem';
import type { ApiParts } from './parts';
import { modelPath, refusals } from './schemas';

interface Asked {
  readonly Params: { readonly model: string };
}

/** Categories that are named, for a first question. */
const FIRST = 5;

/** What can be asked for: the models of the configuration. */
export function models(scope: FastifyInstance, { predictor, context }: ApiParts): void {
  const shown = (description: ModelDescription) => {
    const known = context.models.configured(description.model).categories;
    return {
      ...description,
      publishedAt: description.publishedAt ?? null,
      lastUpdated: description.lastUpdated ?? null,
      dataUpdated: description.dataUpdated ?? null,
      categories: { count: known.length, first: known.slice(0, FIRST) },
    };
  };
  scope.get('/models', { schema: LIST }, async (request, reply) => {
    const signal = whileConnected(reply);
    const path = pathOf(request);
    const unavailable: { readonly model: string; readonly reason: Problem }[] = [];
    const described = context.models.names.map(async (model) => {
      try {
        return [shown(await predictor.describe(model, { signal }))];
      } catch (error) {
        unavailable.push({ model, reason: problemOf(asForewarmError(error), path) });
        return [];
      }
    });
    const available = (await Promise.all(described)).flat();
    reply.header('cache-control', 'private, no-cache');
    return { models: available, unavailable };
  });
  scope.get<Asked>('/models/:model', { schema: ONE }, async ({ params }, reply) => {
    const description = await predictor.describe(params.model, { signal: whileConnected(reply) });
    reply.header('cache-control', 'private, no-cache');
    return shown(description);
  });
}

const TAGS = ['predictions'];

const LIST = {
  tags: TAGS,
  operationId: 'listModels',
  summary: 'All models',
  response: { 200: { $ref: 'Models#' }, ...refusals },
};
const ONE = {
  tags: TAGS,
  operationId: 'describeModel',
  summary: 'One model: its axes, its outputs and what is published of it',
  params: modelPath,
  response: { 200: { $ref: 'Model#' }, ...refusals },
};
