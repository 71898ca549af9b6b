import type { Config } from '#shared/config/types';
import type { RepeatedErrors } from '#shared/repeated-errors';
import { Predictor } from '#shared/tiers/predictor';
import { requirePostgres } from './connections';

/** The daemon's own reader of predictions, over connections of its own: it has to answer within its limits when others wait. */
export function makeReader(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  errors: RepeatedErrors,
): Predictor {
  const { keyPrefix, redis, models, reader, http } = config;
  return new Predictor({
    redis: redis.cacheUrl,
    postgres: requirePostgres(config).url,
    models,
    keyPrefix,
    memory: reader.memoryBytes === 0 ? false : { maxBytes: reader.memoryBytes },
    deadlineMs: Math.min(reader.deadlineMs, http.requestTimeoutMs),
    processes: reader.processes,
    env,
    onError: (error, tier) => errors.report(`reading predictions (${tier})`, error),
  });
}
