import type { FastifyInstance } from 'fastify';
import type { Coordinates } from '#shared/cache/grid';
import { type ErrorCode, ForewarmError } from '#shared/errors';
import type { Answer, Outcome } from '#shared/predictor/answers';
import { whileConnected } from '../client-gone';
import { pathOf, problemOf } from '../problem';
import { describeAnswer } from './freshness';
import type { ApiParts } from './parts';
import { modelPath, notModified, predictionQuery, refusals } from './schemas';

interface Asked {
  readonly Params: { readonly model: string };
  readonly Querystring: { readonly category: string } & Readonly<Record<string, string>>;
}

interface AskedMany {
  readonly Params: { readonly model: string };
  readonly Body: { readonly items: readonly { readonly category: string; readonly coordinates: Coordinates }[] };
}

/** One prediction, and many. */
export function predictions(scope: FastifyInstance, { predictor, context }: ApiParts): void {
  const { config, models } = context;
  scope.get<Asked>('/models/:model/predictions', { schema: ONE }, async (request, reply) => {
    const { model } = request.params;
    const { category, ...coordinates } = request.query;
    const answer = await predictor.predict(model, category, coordinates, { signal: whileConnected(reply) });
    if (describeAnswer(request, reply, answer, models.configured(model).everyMs)) return reply.code(304).send();
    return { model, category, ...wholeMs(answer) };
  });
  const options = { schema: MANY, bodyLimit: config.http.maxBodyBytes };
  scope.post<AskedMany>('/models/:model/predictions', options, async (request, reply) => {
    const { model } = request.params;
    const questions = request.body.items.map((item) => ({ model, ...item }));
    const outcomes = await predictor.predictMany(questions, { signal: whileConnected(reply) });
    throwIfNone(outcomes);
    reply.header('cache-control', 'no-store');
    const path = pathOf(request);
    const fulfilled = outcomes.filter(({ status }) => status === 'fulfilled').length;
    const shown = outcomes.map((outcome) => shownOutcome(outcome, path));
    return { model, fulfilled, rejected: outcomes.length - fulfilled, outcomes: shown };
  });
}

function shownOutcome(outcome: Outcome, path: string): unknown {
  if (outcome.status === 'rejected') return { status: 'rejected', reason: problemOf(outcome.reason, path) };
  return { status: 'fulfilled', value: wholeMs(outcome.value) };
}

/** What keeps every item from an answer, and is the fault of none, is told of the request: whoever tries again tries all. */
function throwIfNone(outcomes: readonly Outcome[]): void {
  const [first] = outcomes;
  if (first?.status !== 'rejected' || !OF_NO_ITEM.has(first.reason.code)) return;
  const { code, message, next } = first.reason;
  const all = outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === code);
  if (all) throw new ForewarmError(code, message, { next, cause: first.reason });
}

const OF_NO_ITEM: ReadonlySet<ErrorCode> = new Set(['FW_NOT_WARMED', 'FW_READ_FAILED', 'FW_READ_DEADLINE']);

/** An answer as it is shown. */
export function wholeMs(answer: Answer): Answer {
  return { ...answer, ageMs: Math.floor(answer.ageMs) };
}

const TAGS = ['predictions'];

const ONE = {
  tags: TAGS,
  operationId: 'predict',
  summary: 'One prediction',
  description: 'Give one value for each axis of the model in the query, such as `day=3&hour=14`.',
  params: modelPath,
  querystring: predictionQuery,
  response: { 200: { $ref: 'Prediction#' }, 304: notModified, ...refusals },
};

const MANY = {
  tags: TAGS,
  operationId: 'predictMany',
  summary: 'Many predictions',
  description: 'Each item has an outcome of its own: one that cannot be answered does not keep the others from it.',
  params: modelPath,
  body: { $ref: 'Items#' },
  response: { 200: { $ref: 'Outcomes#' }, ...refusals },
};
