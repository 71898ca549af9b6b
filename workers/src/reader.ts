import type { Config } from '#shared/config/types';
import { Predictor } from '#shared/predictor/predictor';
import type { PredictorOptions } from '#shared/predictor/predictor-options';
import type { RepeatedErrors } from '#shared/repeated-errors';
import type { ModelFile } from '#shared/tiers/model-source';
import { requirePostgres } from './connections';

/** What the API asks of a predictor. */
export type Reader = Pick<Predictor, 'describe' | 'predict' | 'predictMany' | 'row' | 'rowBytes'>;

/** The daemon's own reader of predictions, over connections of its own: it has to answer within its limits when others wait. */
export function makeReader(
  config: Config,
  models: readonly ModelFile[],
  env: Readonly<Record<string, string | undefined>>,
  errors: RepeatedErrors,
): Predictor {
  return new Predictor({
    ...readerOptions(config, env),
    models,
    onError: (error, tier) => errors.report(`reading predictions (${tier})`, error),
  });
}

/** How the configuration has predictions read. */
export function readerOptions(config: Config, env: Readonly<Record<string, string | undefined>>): PredictorOptions {
  const { keyPrefix, redis, models, reader, http, inference } = config;
  return {
    redis: redis.cacheUrl,
    postgres: requirePostgres(config).url,
    models,
    keyPrefix,
    memory: reader.memoryBytes === 0 ? false : { maxBytes: reader.memoryBytes },
    deadlineMs: Math.min(reader.deadlineMs, http.requestTimeoutMs),
    processes: reader.processes,
    taskLimitMs: inference.timeLimitMs,
    env,
  };
}
