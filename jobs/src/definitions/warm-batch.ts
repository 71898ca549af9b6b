import { ForewarmError } from '#shared/errors';
import { batchPayload } from '../cycle/payloads';
import { requireModel } from '../cycle/require-model';
import type { CancelledBatch } from '../cycle/settle-cycle';
import { defineJob } from '../define-job';

/** Some seconds beyond the time limit of the inference process, which is the one that counts. */
const MARGIN_MS = 60_000;

const CANCELLED: CancelledBatch = { cancelled: true };

/** One batch: infer, write to Redis and Postgres. The inference process does all of it. */
export const warmBatch = defineJob({
  name: 'warm-batch',
  description: 'Computes the rows of some categories and writes them to Redis and Postgres.',
  role: 'worker',
  concurrency: 'inference',
  payload: batchPayload,
  facts: ({ cycle, model, number }) => ({ cycle, model, batch: number }),
  retries: { attempts: 3, firstDelayMs: 500 },
  timeLimitMs: (config) => config.inference.timeLimitMs + MARGIN_MS,
  async run({ payload: { cycle, model, generation, categories, mode, copyKept }, context }) {
    requireModel(context, model);
    if (await context.cycles.isCancelled(cycle)) return { outcome: 'done', summary: CANCELLED };
    const spec = await context.models.resolve(model);
    if (spec.generation !== generation) {
      throw new ForewarmError(
        'FW_MODEL_CHANGED',
        `models.${model}: ${spec.file} is generation ${spec.generation} on ${context.host}, the batch is for ${generation}`,
      );
    }
    const { expireAfterMs, maxAgeMs, refresh } = context.models.configured(model);
    const summary = await context.pool.runBatch({
      ...{ spec, categories, mode, copyKept, expireAfterMs },
      trackInputs: refresh === 'changed',
      maxAgeMs: mode === 'refresh' ? maxAgeMs : undefined,
      stores: context.targets,
    });
    return { outcome: 'done', summary };
  },
});
