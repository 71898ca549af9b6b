import { rowByteLength } from '#shared/cache/row';
import { asForewarmError } from '#shared/errors';
import type { BatchMode } from '#shared/inference/protocol';
import { errorFacts, type Logger } from '#shared/logger';
import { type ModelSpec, rowFrame } from '#shared/model/spec';
import type { CycleRecord, Trigger } from '#shared/store/history-store';
import type { JobContext } from '../context';
import { batchSize, planBatches } from './batches';
import { batchId, newCycleId, startOfCycle } from './cycle-id';
import type { BatchPayload, CyclePayload } from './payloads';

/** A claim younger than this may still be adding its jobs: it is not taken for lost. */
const CLAIM_GRACE_MS = 10_000;

export interface CycleRequest {
  readonly model: string;
  readonly trigger: Trigger;
  /** Only these; absent means all categories of the model. */
  readonly categories?: readonly string[];
  /** `fill` keeps what is valid; when absent, `compute` where the generation is live and `fill` where it is not. */
  readonly mode?: BatchMode;
}

export type CycleStart =
  | { readonly started: true; readonly cycle: string; readonly batches: number }
  | { readonly started: false; readonly reason: string };

/**
 * Plans a cycle and adds its jobs: one per batch, and the one that publishes when they have ended. Does nothing while
 * another cycle of the model runs.
 * @throws ForewarmError FW_MODEL_*, FW_REDIS_UNAVAILABLE; the failure is recorded as a failed cycle
 */
export async function startCycle(context: JobContext, request: CycleRequest, log: Logger): Promise<CycleStart> {
  const cycle = newCycleId(context.clock.now());
  const cycleLog = log.with({ cycle });
  if (!(await claim(context, request, cycle, cycleLog))) return notStarted(context, request, cycle, cycleLog);
  try {
    return await plan(context, request, cycle, cycleLog);
  } catch (error) {
    await context.cycles.release(request.model, cycle);
    const reason = asForewarmError(error).message;
    await remember(context, { ...blank(context, request, cycle), state: 'failed', reason }, cycleLog);
    context.metrics.cycles.inc({ model: request.model, state: 'failed' });
    throw error;
  }
}

async function plan(context: JobContext, request: CycleRequest, cycle: string, log: Logger): Promise<CycleStart> {
  const spec = await context.models.resolve(request.model);
  const live = await context.cache(request.model).pointer();
  const mode = request.mode ?? (live?.generation === spec.generation ? 'compute' : 'fill');
  const model = context.models.configured(request.model);
  const categories = request.categories ?? model.categories;
  const size = batchSize(categories.length, rowByteLength(rowFrame(spec)), model.batchSize);
  const batches = planBatches(categories, size);

  const payload: CyclePayload = {
    cycle,
    model: request.model,
    generation: spec.generation,
    trigger: request.trigger,
    startedAtMs: context.clock.now(),
    batchSizes: batches.map((batch) => batch.length),
    whole: request.categories === undefined,
  };
  await context.enqueue.addFlow(
    'publish',
    { id: cycle, payload },
    'warm-batch',
    batches.map((batch, number) => ({
      id: batchId(cycle, number),
      payload: {
        cycle,
        number,
        model: request.model,
        generation: spec.generation,
        mode,
        categories: batch,
      } satisfies BatchPayload,
    })),
  );
  const facts = { trigger: request.trigger, mode, generation: spec.generation, rows: categories.length };
  log.debug('cycle planned', { ...facts, batches: batches.length });
  await rememberGeneration(context, spec, log);
  const counts = { expected: categories.length, batches: batches.length, generation: spec.generation };
  await remember(context, { ...blank(context, request, cycle), ...counts, state: 'running', finishedAt: null }, log);
  return { started: true, cycle, batches: batches.length };
}

/** Takes the model for this cycle. A holder whose jobs are gone from the queue is lost and gives way. */
async function claim(context: JobContext, request: CycleRequest, cycle: string, log: Logger): Promise<boolean> {
  const { model } = request;
  if (await context.cycles.claim(model, cycle)) return true;
  const holder = await context.cycles.holder(model);
  if (holder !== undefined) {
    const young = Math.abs(context.clock.now() - startOfCycle(holder)) < CLAIM_GRACE_MS;
    if (young || (await context.enqueue.isPending('publish', holder))) return false;
    log.warn('a cycle vanished from the queue before it ended; starting anew', { code: 'FW_CYCLE_LOST', lost: holder });
    await context.cycles.release(model, holder);
  }
  const taken = await context.cycles.claim(model, cycle);
  const reason = 'its jobs vanished from the queue';
  await context.history.closeLost(model, [cycle], reason).catch((error: unknown) => {
    log.warn('lost cycles could not be closed in the history', errorFacts(error));
  });
  return taken;
}

/** The overlap policy, for a scheduled tick that finds a cycle of its model still running. */
async function notStarted(context: JobContext, request: CycleRequest, cycle: string, log: Logger): Promise<CycleStart> {
  const holder = await context.cycles.holder(request.model);
  const reason = `cycle ${holder ?? 'of another daemon'} still runs`;
  if (request.trigger !== 'schedule') return { started: false, reason };
  if (context.models.configured(request.model).overlap === 'queue') {
    await context.cycles.wantNext(request.model);
    return { started: false, reason: `${reason}; another follows it` };
  }
  log.warn('cycle skipped', { reason });
  context.metrics.cycles.inc({ model: request.model, state: 'skipped' });
  await remember(context, { ...blank(context, request, cycle), state: 'skipped', reason }, log);
  return { started: false, reason };
}

function blank(context: JobContext, request: CycleRequest, cycle: string): CycleRecord {
  const now = new Date(context.clock.now());
  return {
    id: cycle,
    model: request.model,
    generation: null,
    trigger: request.trigger,
    state: 'running',
    host: context.host,
    startedAt: now,
    finishedAt: now,
    durationMs: null,
    ...{ expected: 0, batches: 0, computed: 0, restored: 0, verified: 0, failed: 0, durable: 0 },
    reason: null,
  };
}

/** The history is beside the path: warming goes on without it. */
async function remember(context: JobContext, record: CycleRecord, log: Logger): Promise<void> {
  await context.history.record(record).catch((error: unknown) => {
    log.warn('the cycle could not be recorded in the history', errorFacts(error));
  });
}

async function rememberGeneration(context: JobContext, spec: ModelSpec, log: Logger): Promise<void> {
  await context.generations.begin(spec).catch((error: unknown) => {
    log.warn('the generation could not be recorded', errorFacts(error));
  });
}
