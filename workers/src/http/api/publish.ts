import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { requestWarm } from '#jobs/on-demand';
import type { ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { refusalText } from '#shared/rollout/gates';
import { type Candidate, inspectCandidate } from '../../candidate';
import { installModel } from '../../install-model';
import { whileConnected } from '../client-gone';
import { BYTES_TYPE } from './accept';
import type { ApiParts } from './parts';
import { modelPath, refusals } from './schemas';
import { admit, answer, asQueueError, follow, patience } from './warm';

interface Asked {
  readonly Params: { readonly model: string };
  readonly Querystring: Readonly<Partial<Record<'force' | 'dryRun' | 'wait', 'true' | 'false'>>>;
  readonly Body: Buffer | undefined;
}

/** A new model file, put into service by who trained it. */
export function publish(scope: FastifyInstance, parts: ApiParts): void {
  const { context, tokens, queueReady, environment } = parts;
  const { enqueue, models, config } = context;
  scope.addHook('onRequest', (_request, _reply, done) => done(admit(tokens.configured, queueReady())));
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(BYTES_TYPE, { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes));
  const options = { schema: PUBLISH, bodyLimit: config.http.maxBodyBytes };
  scope.post<Asked>('/models/:model/publish', options, async ({ params, query, body }, reply) => {
    const configured = models.configured(params.model);
    const [force, dryRun, wait] = [query.force === 'true', query.dryRun === 'true', query.wait === 'true'];
    const bytes = body === undefined || body.length === 0 ? undefined : body;
    if (dryRun || !force || bytes !== undefined) {
      const candidate = await withFile(configured, bytes, (model) =>
        inspectCandidate(config, model, context.cache(model.name), {
          ...{ environment, onProgress: () => undefined, signal: whileConnected(reply) },
        }),
      );
      if (dryRun) return report(configured, candidate);
      if (!force && !candidate.report.passed) throw refused(configured, candidate);
    }
    if (bytes !== undefined) await installModel(bytes, configured.file);
    const request = { model: configured.name, categories: [], force: false, publishAnyway: force };
    const job = await requestWarm(enqueue, configured, request, 'api').catch((error: unknown) => {
      throw asQueueError(error);
    });
    return answer(
      reply,
      await follow(parts, configured.name, job, patience(reply, wait ? config.http.requestTimeoutMs : 0)),
    );
  });
}

/** Does some work on the model with the bytes as its file, or with its own. */
async function withFile<T>(
  model: ModelConfig,
  bytes: Buffer | undefined,
  work: (model: ModelConfig) => Promise<T>,
): Promise<T> {
  if (bytes === undefined) return work(model);
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-publish-'));
  try {
    const file = join(folder, 'model.onnx');
    await writeFile(file, bytes);
    return await work({ ...model, file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report({ name }: ModelConfig, { spec, report, live }: Candidate) {
  const { generation, modelVersion } = spec;
  const { passed, refusals: refused, figures, worst } = report;
  return { model: name, generation, modelVersion, live, dryRun: true, passed, refusals: refused, figures, worst };
}

function refused({ name }: ModelConfig, { spec, report }: Candidate): ForewarmError {
  const { figures, worst } = report;
  return new ForewarmError(
    'FW_GATE_REFUSED',
    `generation ${spec.generation} of ${name} is not published: ${refusalText(report)}`,
    { details: { figures, worst } },
  );
}

const flag = { type: 'string', enum: ['true', 'false'] } as const;

const PUBLISH = {
  tags: ['warming'],
  operationId: 'publish',
  summary: 'Put a new model file into service',
  description:
    'For a training pipeline. Needs a token. The body is the ONNX file, as `application/octet-stream`; without one the file that is there is ' +
    'looked at again. Every row is computed first and held to the gates of the model: a file that is refused (409) changes nothing.',
  params: modelPath,
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      force: { ...flag, description: 'Publish it also when a gate refuses it.' },
      dryRun: { ...flag, description: 'Answer what the gates say, and change nothing.' },
      wait: {
        ...flag,
        description: 'Answer when the cycle that publishes it has ended, or after http.requestTimeout with 202.',
      },
    },
  },
  response: { 200: { $ref: 'PublishState#' }, 202: { $ref: 'PublishState#' }, ...refusals },
};
