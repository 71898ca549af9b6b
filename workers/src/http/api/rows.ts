import type { FastifyInstance } from 'fastify';
import type { RowAnswer } from '#shared/predictor/answers';
import { whileConnected } from '../client-gone';
import { BYTES_TYPE, prefersBytes } from './accept';
import { describeAnswer } from './freshness';
import type { ApiParts } from './parts';
import { categoryQuery, modelPath, notModified, refusals } from './schemas';

interface Asked {
  readonly Params: { readonly model: string };
  readonly Querystring: { readonly category: string };
}

/** All predictions of a category: as a grid, or the row as it is stored. */
export function rows(scope: FastifyInstance, { predictor, context }: ApiParts): void {
  scope.get<Asked>('/models/:model/rows', { schema: ROW }, async (request, reply) => {
    const { model } = request.params;
    const { category } = request.query;
    const { everyMs } = context.models.configured(model);
    const options = { signal: whileConnected(reply) };
    reply.header('vary', 'accept');
    if (prefersBytes(request.headers.accept)) {
      const answer = await predictor.rowBytes(model, category, options);
      const known = describeAnswer(request, reply, answer, everyMs, 'bytes');
      return known ? reply.code(304).send() : reply.type(BYTES_TYPE).send(answer.bytes);
    }
    const answer = await predictor.row(model, category, options);
    if (describeAnswer(request, reply, answer, everyMs)) return reply.code(304).send();
    return { ...answer, model, category, ageMs: Math.floor(answer.ageMs), values: gridsOf(answer) };
  });
}

/** For each output a list for each axis, one in the other. */
export function gridsOf({
  axes,
  outputs,
  values,
}: Pick<RowAnswer, 'axes' | 'outputs' | 'values'>): Record<string, unknown> {
  const lengths = axes.map((axis) => axis.values.length);
  const grid = (k: number, depth: number, from: number, width: number): unknown[] => {
    const length = lengths[depth] ?? 1;
    const step = width / length;
    if (depth === lengths.length - 1) return Array.from({ length }, (_, i) => values[(from + i) * outputs.length + k]);
    return Array.from({ length }, (_, i) => grid(k, depth + 1, from + i * step, step));
  };
  const cells = lengths.reduce((product, length) => product * length, 1);
  return Object.fromEntries(outputs.map((output, k) => [output, grid(k, 0, 0, cells)]));
}

const TAGS = ['predictions'];

const ROW = {
  tags: TAGS,
  operationId: 'readRow',
  summary: 'All predictions of a category',
  description:
    'With `Accept: application/octet-stream` the row as it is stored: docs/cache-format.md says how to read it.',
  params: modelPath,
  querystring: categoryQuery,
  response: {
    200: {
      description: 'The row.',
      content: {
        'application/json': { schema: { $ref: 'Row#' } },
        [BYTES_TYPE]: { schema: { type: 'string', format: 'binary' } },
      },
    },
    304: notModified,
    ...refusals,
  },
};
