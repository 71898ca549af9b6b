import { ForewarmError } from '#shared/errors';
import type { JobContext } from '../context';
import { batchPayload } from '../cycle/payloads';
import { requireModel } from '../cycle/require-model';
import type { CancelledBatch } from '../cycle/settle-cycle';
import { defineJob } from '../define-job';

/** Some seconds beyond the time limit of the inference process, which is the one that counts. */
const MARGIN_MS = 60_000;
/** A batch that may not begin yet asks again after this time. */
const AGAIN_MS = 500;

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
  async run({ payload: { cycle, number, model, generation, categories, mode, copyKept }, context }) {
    requireModel(context, model);
    if (await context.cycles.isCancelled(cycle)) return { outcome: 'done', summary: CANCELLED };
    const spec = await context.models.resolve(model);
    if (spec.generation !== generation) {
      throw new ForewarmError(
        'FW_MODEL_CHANGED',
        `models.${model}: ${spec.file} is generation ${spec.generation} on ${context.host}, the batch is for ${generation}`,
      );
    }
    const turn = await turnOf(context, cycle, number);
    if (turn === 'later') {
      return { outcome: 'later', afterMs: AGAIN_MS, reason: 'the cycle has only lost processes; one batch at a time' };
    }
    const { expireAfterMs, maxAgeMs, refresh } = context.models.configured(model);
    try {
      const summary = await context.pool.runBatch({
        ...{ spec, categories, mode, copyKept, expireAfterMs },
        trackInputs: refresh === 'changed',
        maxAgeMs: mode === 'refresh' ? maxAgeMs : undefined,
        stores: context.targets,
      });
      await noted(context.fuse.held(cycle));
      return { outcome: 'done', summary };
    } catch (error) {
      if (costsProcess(error)) await noted(context.fuse.lost(cycle, `${error.code}: ${error.message}`));
      throw error;
    } finally {
      if (turn === 'alone') await noted(context.fuse.done(cycle, number));
    }
  },
});

/**
 * When a batch may begin. Once a process was lost and no batch has come to its end, they begin one by one: the other
 * processes are for other models.
 * @throws ForewarmError FW_MODEL_BROKEN when the cycle has lost as many processes as a model may tries, and nothing else
 */
async function turnOf(context: JobContext, cycle: string, batch: number): Promise<'now' | 'alone' | 'later'> {
  const { brokenAfter, timeLimitMs } = context.config.inference;
  const { count, why } = await context.fuse.losses(cycle);
  if (count === 0) return 'now';
  if (count < brokenAfter) {
    return (await context.fuse.alone(cycle, batch, timeLimitMs + MARGIN_MS)) ? 'alone' : 'later';
  }
  const lost = `the cycle lost ${count} processes, and no batch came to its end`;
  throw new ForewarmError('FW_MODEL_BROKEN', `not begun: ${lost}; the last one: ${why}`);
}

/** What the batch came to counts, not whether others hear of it. */
async function noted(note: Promise<void>): Promise<void> {
  await note.catch(() => undefined);
}

function costsProcess(error: unknown): error is ForewarmError {
  if (!(error instanceof ForewarmError)) return false;
  return error.code === 'FW_INFERENCE_CRASHED' || error.code === 'FW_INFERENCE_TIME_LIMIT';
}
