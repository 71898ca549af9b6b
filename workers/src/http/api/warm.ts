import type { FastifyInstance, FastifyReply } from 'fastify';
import { requestWarm } from '#jobs/on-demand';
import { asForewarmError, ForewarmError } from '#shared/errors';
import { followWarm, type WarmEnd, type WarmProgress } from '../../follow-warm';
import { suggestCategory } from '../../suggest-category';
import { whileConnected } from '../client-gone';
import type { ApiParts } from './parts';
import { modelPath, refusals } from './schemas';

interface Asked {
  readonly Params: { readonly model: string };
  readonly Body: { readonly categories?: string[]; readonly force?: boolean; readonly wait?: boolean } | null;
}

interface AskedAgain {
  readonly Params: { readonly model: string; readonly job: string };
}

export interface WarmState extends Partial<Omit<WarmEnd, 'state' | 'cycle' | 'reason'>> {
  readonly model: string;
  readonly job: string;
  readonly cycle: string | null;
  readonly state: 'waiting' | 'running' | WarmEnd['state'];
  readonly reason: string | null;
  readonly rowsDone?: number;
}

/** A cycle beside the schedule, as a training pipeline asks for one, and what became of it. */
export function warm(scope: FastifyInstance, parts: ApiParts): void {
  const { context, tokens, queueReady } = parts;
  const { enqueue, models, config } = context;
  scope.addHook('onRequest', (_request, _reply, done) => done(admit(tokens.configured, queueReady())));
  const options = { schema: WARM, bodyLimit: config.http.maxBodyBytes };
  scope.post<Asked>('/models/:model/warm', options, async ({ params, body }, reply) => {
    const model = models.configured(params.model);
    const { categories = [], force = false, wait = false } = body ?? {};
    const request = { model: model.name, categories: [...categories], force };
    const job = await requestWarm(enqueue, model, request, 'api').catch((error: unknown) => {
      throw suggestCategory(asQueueError(error), model, categories);
    });
    const state = await follow(parts, model.name, job, patience(reply, wait ? config.http.requestTimeoutMs : 0));
    return answer(reply, state);
  });
  scope.get<AskedAgain>('/models/:model/warm/:job', { schema: STATE }, async ({ params }, reply) => {
    const { model, job } = params;
    const asked = await enqueue.dataOf('warm', job).catch((error: unknown) => Promise.reject(asQueueError(error)));
    if ((asked as { model?: unknown } | undefined)?.model !== model) {
      throw new ForewarmError('FW_HTTP_NOT_FOUND', `the queue has no request ${job} for the model ${model}`);
    }
    return answer(reply, await follow(parts, model, job, patience(reply, 0)));
  });
}

/** Why nothing is asked of the queues, where that is so. */
export function admit(tokensConfigured: boolean, queueIsReady: boolean): ForewarmError | undefined {
  if (!tokensConfigured) return new ForewarmError('FW_HTTP_FORBIDDEN', 'a cycle is asked for with a token only');
  if (queueIsReady) return undefined;
  return new ForewarmError('FW_REDIS_UNAVAILABLE', 'the Redis of the queues cannot be reached');
}

/** A signal for who follows: aborted when the time is over, or nobody is left to hear the end. */
export function patience(reply: FastifyReply, limitMs: number): AbortSignal {
  if (limitMs === 0) return AbortSignal.abort();
  return AbortSignal.any([whileConnected(reply), AbortSignal.timeout(limitMs)]);
}

/** What became of a request by its end, or by the end of the patience. */
export async function follow(parts: ApiParts, model: string, job: string, signal: AbortSignal): Promise<WarmState> {
  let last: WarmProgress = { phase: 'waiting', reason: 'for its turn' };
  try {
    const end = await followWarm(
      parts.context.enqueue,
      job,
      (progress) => {
        last = progress;
      },
      signal,
    );
    return { model, job, ...end, rowsDone: end.rows };
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    return unfinished(model, job, last);
  }
}

function unfinished(model: string, job: string, progress: WarmProgress): WarmState {
  if (progress.phase === 'waiting') return { model, job, cycle: null, state: 'waiting', reason: progress.reason };
  const { cycle, rows, rowsDone } = progress;
  return { model, job, cycle, state: 'running', reason: null, rows, rowsDone };
}

/** 202 with where to ask again, as long as the cycle has not ended. */
export function answer(reply: FastifyReply, state: WarmState): WarmState {
  const { model, job } = state;
  reply.header('cache-control', 'no-store');
  if (state.state === 'waiting' || state.state === 'running') {
    reply.code(202).header('location', `/v1/models/${encodeURIComponent(model)}/warm/${encodeURIComponent(job)}`);
    reply.header('retry-after', 1);
  }
  return state;
}

export function asQueueError(error: unknown): ForewarmError {
  return asForewarmError(error, 'FW_REDIS_UNAVAILABLE', 'asking the Redis of the queues');
}

const answers = { 200: { $ref: 'WarmState#' }, 202: { $ref: 'WarmState#' }, ...refusals };

const TAGS = ['warming'];

const WARM = {
  tags: TAGS,
  operationId: 'warm',
  summary: 'Warm a model now, beside its schedule',
  description: 'For a training pipeline. Needs a token. With `wait` it answers what became of the cycle.',
  params: modelPath,
  body: { $ref: 'WarmRequest#' },
  response: answers,
};

const STATE = {
  tags: TAGS,
  operationId: 'warmState',
  summary: 'What became of a request to warm',
  params: { ...modelPath, properties: { ...modelPath.properties, job: { type: 'string' } } },
  response: answers,
};
