import type { Environment } from '../config/environment';
import { loadConfig } from '../config/load';
import type { PredictorOptions } from './predictor-options';

/**
 * What a configuration file says to a predictor.
 * @param path of the file; without it FOREWARM_CONFIG, or `forewarm.yaml` in the current folder
 * @throws ForewarmError FW_CONFIG_*
 */
export function optionsOf(path: string | undefined, environment: Environment): PredictorOptions {
  const { keyPrefix, redis, postgres, models, inference } = loadConfig({ path, environment });
  return { keyPrefix, redis: redis.cacheUrl, postgres: postgres.url, models, taskLimitMs: inference.timeLimitMs };
}
