import type { FastifyInstance, FastifyReply } from 'fastify';
import { ForewarmError } from '#shared/errors';
import type { Answer, ModelDescription, Outcome } from '#shared/predictor/answers';
import { whileConnected } from '../../client-gone';
import { statusOf } from '../../error-reply';
import { httpError } from '../../http-error';
import type { ApiParts } from '../parts';
import { failures, livePath, NOT_READY, versionPath } from './schemas';
import { CATEGORY, datatypeOf, elementsOf, type InputTensor } from './tensors';

interface Named {
  readonly Params: { readonly model: string; readonly version?: string };
}

interface Asked extends Named {
  readonly Body: {
    readonly id?: string;
    readonly inputs: readonly InputTensor[];
    readonly outputs?: readonly { readonly name: string }[];
  };
}

const PATHS = [
  ['/models/:model', livePath],
  ['/models/:model/versions/:version', versionPath],
] as const;

/** Metadata, readiness and inference of one model, by the Open Inference Protocol. */
export function inference(scope: FastifyInstance, parts: ApiParts): void {
  for (const [path, params] of PATHS) {
    scope.get<Named>(path, { schema: { ...METADATA, params } }, async (request, reply) =>
      metadataOf(await liveOf(parts, request.params, reply)),
    );
    scope.get<Named>(`${path}/ready`, { schema: { ...READY, params } }, async ({ params }, reply) => {
      const ready = await isReady(parts, params, reply);
      reply.code(ready ? 200 : NOT_READY);
      return { name: params.model, ready };
    });
    const options = {
      schema: { ...INFER, params },
      bodyLimit: parts.context.config.http.maxBodyBytes,
    };
    scope.post<Asked>(`${path}/infer`, options, async ({ params, body }, reply) => infer(parts, params, body, reply));
  }
}

/** @throws ForewarmError FW_MODEL_UNKNOWN also for another version than the live one */
async function liveOf(
  { predictor }: ApiParts,
  { model, version }: Named['Params'],
  reply: FastifyReply,
): Promise<ModelDescription> {
  const live = await predictor.describe(model, { signal: whileConnected(reply) });
  if (version === undefined || version === live.modelVersion || version === live.generation) return live;
  const has = `version ${live.modelVersion}, generation ${live.generation}`;
  throw new ForewarmError('FW_MODEL_UNKNOWN', `model ${model} has no version ${version}; live is ${has}`, {
    next: 'Leave the version out, or name the live one.',
  });
}

/** Whether a model can be answered for; what is wrong with the request is thrown. */
async function isReady(parts: ApiParts, params: Named['Params'], reply: FastifyReply): Promise<boolean> {
  try {
    await liveOf(parts, params, reply);
    await parts.answerable.tierOf(params.model);
    return true;
  } catch (error) {
    if (statusOf(httpError(error).code) < 500) throw error;
    return false;
  }
}

function metadataOf({ model, modelVersion, axes, outputs }: ModelDescription) {
  const shape = [-1];
  const inputs = axes.map((axis) => ({ name: axis.name, datatype: datatypeOf(axis), shape }));
  return {
    name: model,
    versions: [modelVersion],
    platform: 'forewarm',
    inputs: [{ name: CATEGORY, datatype: 'BYTES', shape }, ...inputs],
    outputs: outputs.map((name) => ({ name, datatype: 'FP32', shape })),
  };
}

async function infer(parts: ApiParts, params: Named['Params'], body: Asked['Body'], reply: FastifyReply) {
  const live = await liveOf(parts, params, reply);
  const { model } = params;
  const wanted = body.outputs?.length ? body.outputs.map(({ name }) => name) : live.outputs;
  const unknown = wanted.find((name) => !live.outputs.includes(name));
  if (unknown !== undefined) {
    const has = live.outputs.join(', ');
    throw new ForewarmError('FW_HTTP_BAD_REQUEST', `model ${model} has no output ${unknown}; it has ${has}`);
  }
  const elements = elementsOf(body.inputs, live.axes, parts.context.config.http.maxBatch);
  const questions = elements.map((element) => ({ model, ...element }));
  const outcomes = await parts.predictor.predictMany(questions, { signal: whileConnected(reply) });
  const answers = outcomes.map(answerOf);
  const shape = [answers.length];
  reply.header('cache-control', 'no-store');
  return {
    model_name: model,
    model_version: answers[0]?.modelVersion ?? live.modelVersion,
    ...(body.id !== undefined && { id: body.id }),
    parameters: provenanceOf(answers, live),
    outputs: wanted.map((name) => ({
      name,
      datatype: 'FP32',
      shape,
      data: answers.map(({ values }) => values[name] as number),
    })),
  };
}

/** The protocol has no outcome of one element: what is wrong with one fails the request. */
function answerOf(outcome: Outcome, i: number): Answer {
  if (outcome.status === 'fulfilled') return outcome.value;
  const { code, message, next } = outcome.reason;
  throw new ForewarmError(code, `element ${i}: ${message}`, { next, cause: outcome.reason });
}

/** Parameters are single values. */
function provenanceOf(answers: readonly Answer[], live: ModelDescription): Record<string, string | number | boolean> {
  const tiers: Record<string, number> = {};
  for (const { tier } of answers) tiers[`from_${tier}`] = (tiers[`from_${tier}`] ?? 0) + 1;
  return {
    generation: answers[0]?.generation ?? live.generation,
    oldest_age_ms: Math.floor(answers.reduce((oldest, { ageMs }) => Math.max(oldest, ageMs), 0)),
    stale: answers.some(({ stale }) => stale),
    ...tiers,
  };
}

const TAGS = ['open inference protocol'];

const METADATA = {
  tags: TAGS,
  summary: 'Metadata of a model',
  response: { 200: { $ref: 'ModelMetadata#' }, ...failures },
};

const modelReady = { type: 'object', properties: { name: { type: 'string' }, ready: { type: 'boolean' } } };

const READY = {
  tags: TAGS,
  summary: 'Whether a model can be answered for',
  response: {
    200: modelReady,
    400: modelReady,
    ...failures,
  },
};

const INFER = {
  tags: TAGS,
  summary: 'Predictions of a model',
  description: `Inputs are \`${CATEGORY}\` and the axes of the model, each a tensor with one value for each prediction.`,
  body: { $ref: 'InferRequest#' },
  response: { 200: { $ref: 'InferResponse#' }, ...failures },
};
