import { ForewarmError } from '#shared/errors';
import type { BatchSummary, BatchTask } from '#shared/inference/protocol';
import type { RowInputs } from '#shared/model/spec';
import type { JobContext } from '../context';
import type { Losses } from '../cycle/cycle-fuse';
import { type BatchPayload, batchPayload } from '../cycle/payloads';
import { requireModel } from '../cycle/require-model';
import type { CancelledBatch } from '../cycle/settle-cycle';
import { defineJob, type JobRun, type Outcome } from '../define-job';

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
  // It may wait for the one before it in the same process.
  timeLimitMs: (config) => 2 * config.inference.timeLimitMs + MARGIN_MS,
  run: (run) => run.context.traces.batch(run.payload, run.again, () => tellOf(run, () => runBatch(run))),
});

/** Tells what a batch came to: to who reads everything, and to the log of its cycle. */
async function tellOf({ log, payload }: JobRun<BatchPayload>, run: () => Promise<Outcome>): Promise<Outcome> {
  const outcome = await run();
  if (outcome.outcome !== 'done') return outcome;
  const summary = outcome.summary as BatchSummary | CancelledBatch;
  if ('cancelled' in summary) {
    log.debug('batch not begun: its cycle is cancelled');
    return outcome;
  }
  const { computed, restored, verified, failed, durable, durableError, failures, timings } = summary;
  const counts = { categories: payload.categories.length, computed, restored, verified, failed, durable };
  log.debug(failed > 0 || durableError !== undefined ? 'batch ended, not whole' : 'batch ended', {
    ...counts,
    ...(durableError !== undefined && { durableError }),
    ...(failures.length > 0 && { failures }),
    // To a tenth of a millisecond.
    timings: Object.fromEntries(Object.entries(timings).map(([stage, ms]) => [stage, Math.round(10 * ms) / 10])),
  });
  return outcome;
}

async function runBatch({ payload, context, again, stopping }: JobRun<BatchPayload>): Promise<Outcome> {
  const { cycle, model, generation, categories, mode, copyKept } = payload;
  requireModel(context, model);
  const spec = await context.models.resolve(model);
  if (spec.generation !== generation) {
    throw new ForewarmError(
      'FW_MODEL_CHANGED',
      `models.${model}: ${spec.file} is generation ${spec.generation} on ${context.host}, the batch is for ${generation}`,
    );
  }
  const { expireAfterMs, maxAgeMs, refresh } = context.models.configured(model);
  const task: BatchTask = {
    // A run that ended half-way may have written rows to the cache that Postgres has not got.
    ...{ spec, categories, mode, copyKept: copyKept || again, expireAfterMs },
    // Rows of other features are no copies: what is kept or restored has to be of those of this cycle.
    trackInputs: refresh === 'changed' || payload.features !== undefined,
    maxAgeMs: mode === 'refresh' ? maxAgeMs : undefined,
    inputs: inputsOf(payload, context.clock.now()),
    stores: context.targets,
  };
  return context.pool.whenFree(async (free) => {
    if (stopping.aborted) return { outcome: 'handed back', reason: 'the daemon stops' };
    const [cancelled, losses] = await Promise.all([context.cycles.isCancelled(cycle), context.fuse.losses(cycle)]);
    if (cancelled) return { outcome: 'done', summary: CANCELLED };
    return runInTurn(context, payload, losses, () => free.runBatch(task));
  });
}

function inputsOf({ clockMs, categories, features }: BatchPayload, nowMs: number): RowInputs {
  const rows = features && new Map(categories.map((category, i) => [category, features[i] ?? []]));
  return { clockMs: clockMs ?? nowMs, ...(rows && { features: rows }) };
}

/**
 * Runs a batch when it may begin. Once a process was lost and no batch has come to its end, they begin one by one: the other
 * processes are for other models.
 * @throws ForewarmError FW_MODEL_BROKEN when the cycle has lost as many processes as a model may tries, and nothing else
 */
async function runInTurn(
  context: JobContext,
  { cycle, number }: BatchPayload,
  { count, why }: Losses,
  run: () => Promise<BatchSummary>,
): Promise<Outcome> {
  const { fuse, config } = context;
  const { brokenAfter, timeLimitMs } = config.inference;
  if (count >= brokenAfter) {
    const lost = `the cycle lost ${count} processes, and no batch came to its end`;
    throw new ForewarmError('FW_MODEL_BROKEN', `not begun: ${lost}; the last one: ${why}`);
  }
  const alone = count > 0;
  if (alone && !(await fuse.alone(cycle, number, timeLimitMs + MARGIN_MS))) {
    return { outcome: 'later', afterMs: AGAIN_MS, reason: 'the cycle has only lost processes; one batch at a time' };
  }
  try {
    const summary = await run();
    await noted(fuse.held(cycle));
    return { outcome: 'done', summary };
  } catch (error) {
    if (costsProcess(error)) await noted(fuse.lost(cycle, `${error.code}: ${error.message}`));
    throw error;
  } finally {
    if (alone) await noted(fuse.done(cycle, number));
  }
}

/** What the batch came to counts, not whether others hear of it. */
async function noted(note: Promise<void>): Promise<void> {
  await note.catch(() => undefined);
}

function costsProcess(error: unknown): error is ForewarmError {
  if (!(error instanceof ForewarmError)) return false;
  return error.code === 'FW_INFERENCE_CRASHED' || error.code === 'FW_INFERENCE_TIME_LIMIT';
}
