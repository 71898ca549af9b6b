import type { RestoreRequest } from '#shared/backup/restore-request';
import type { ModelConfig } from '#shared/config/types';
import type { ModelSpec } from '#shared/model/spec';

type Chosen = Pick<RestoreRequest, 'by'> & Partial<RestoreRequest>;

/**
 * What a restore needs to know of the configured model.
 * @param spec what the model's file is; `undefined` when it cannot be used: then nothing is pinned, since nothing publishes itself
 */
export function restoreRequest(model: ModelConfig, spec: ModelSpec | undefined, chosen: Chosen): RestoreRequest {
  const { axes, categories, expireAfterMs, bounds, maxDrift } = model;
  return {
    ...{ axes, categories, expireAfterMs, gates: { bounds, maxDrift } },
    outputs: spec?.outputs ?? model.outputs,
    pinOver: spec?.generation ?? null,
    ...{ overwrite: false, allowIncomplete: false, dryRun: false, maxAgeMs: undefined },
    ...chosen,
  };
}
