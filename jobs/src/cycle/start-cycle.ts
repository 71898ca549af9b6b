import type { LivePointer } from '#shared/cache/pointer';
import { rowByteLength } from '#shared/cache/row';
import type { Refresh } from '#shared/config/types';
import { asForewarmError } from '#shared/errors';
import type { BatchMode } from '#shared/inference/protocol';
import { errorFacts, type Logger } from '#shared/logger';
import { usesClock } from '#shared/model/inputs-hash';
import { type ModelSpec, rowFrame } from '#shared/model/spec';
import type { CycleRecord, Trigger } from '#shared/store/history-store';
import type { JobContext } from '../context';
import { isOnDemand } from '../on-demand';
import { batchSize, planBatches } from './batches';
import { categoriesHash } from './categories-hash';
import { batchId, newCycleId } from './cycle-id';
import { breaks } from './model-breaker';
import { noteFailure } from './model-tries';
import { type BatchPayload, type CyclePayload, cyclePayload } from './payloads';
import { remember } from './remember';

export interface CycleRequest {
  readonly model: string;
  /** Its id, where something was said of it already. */
  readonly cycle?: string;
  readonly trigger: Trigger;
  /** Only these; absent means all categories of the model. */
  readonly categories?: readonly string[];
  /** When absent: `fill` where the generation is not live, and what the model's `refresh` says where it is. */
  readonly mode?: BatchMode;
  /** Publish its generation also when a gate refuses it. */
  readonly anyway?: true;
  /** Why it is planned with less than the configuration asks for. */
  readonly shortOf?: string;
  /** Only the rows of one batch, to find out whether the model works. */
  readonly probe?: true;
}

export type CycleStart =
  | { readonly started: true; readonly cycle: string; readonly batches: number }
  | {
      readonly started: false;
      readonly reason: string /** Ask again soon: nobody else will. */;
      readonly again?: true;
    };

/** What a cycle is planned from; known before the model is claimed, because finding it out can take long. */
interface Ground {
  readonly spec: ModelSpec;
  readonly live: LivePointer | undefined;
  /** Whether Postgres lacks rows that the cache has. */
  readonly behind: boolean;
}

const MODES = { always: 'compute', changed: 'refresh' } as const satisfies Record<Refresh, BatchMode>;

/**
 * Plans a cycle and adds its jobs: one per batch, and the one that publishes when they have ended. Does nothing while
 * another cycle of the model runs.
 * @throws ForewarmError FW_MODEL_*, FW_INFERENCE_*, FW_REDIS_UNAVAILABLE; a failure is recorded as a failed cycle
 */
export async function startCycle(context: JobContext, request: CycleRequest, log: Logger): Promise<CycleStart> {
  const { cycle = newCycleId(context.clock.now()) } = request;
  const cycleLog = log.with({ cycle });
  try {
    const [spec, live, behind] = await Promise.all([
      context.models.resolve(request.model),
      context.cache(request.model).pointer(),
      context.debts.has(request.model),
    ]);
    while (!(await claim(context, request.model, cycle, cycleLog))) {
      const start = await notStarted(context, request, cycle, cycleLog);
      if (start !== undefined) return start;
    }
    // The claim is kept when this fails: the jobs may have been added all the same, and a claim without jobs gives way.
    return await addJobs(context, request, cycle, { spec, live, behind }, cycleLog);
  } catch (error) {
    await failedStart(context, request, error, cycleLog, cycle);
    throw error;
  }
}

/** Records a cycle that could not be planned, and counts it where the model is to blame. */
export async function failedStart(
  context: JobContext,
  request: CycleRequest,
  error: unknown,
  log: Logger,
  cycle = newCycleId(context.clock.now()),
): Promise<void> {
  const known = asForewarmError(error);
  const { code, message } = known;
  // The line of the job that failed does not know the cycle.
  log.with({ cycle }).keep('error', 'the cycle could not be begun', errorFacts(known));
  // Redis may be what failed: the history is told all the same.
  const broken = breaks(code)
    ? await noteFailure(context, request.model, { code, reason: message }, log).catch(() => null)
    : null;
  const reason = [message, broken].filter((text) => text !== null).join('; ');
  const record: CycleRecord = { ...blank(context, request, cycle), state: 'failed', reason };
  await remember(context, record, [], log);
  context.metrics.cycles.inc({ model: request.model, state: 'failed' });
  context.traces.notPlanned(record, known);
}

async function addJobs(
  context: JobContext,
  request: CycleRequest,
  cycle: string,
  { spec, live, behind }: Ground,
  log: Logger,
): Promise<CycleStart> {
  const model = context.models.configured(request.model);
  const isLive = live?.generation === spec.generation;
  // A probe computes: rows that are kept say nothing about the model.
  const mode = request.probe ? 'compute' : (request.mode ?? (isLive ? MODES[model.refresh] : 'fill'));
  const asked = request.categories ?? model.categories;
  const ground = { categories: asked.length, rowBytes: rowByteLength(rowFrame(spec)), rowMs: spec.rowMs };
  const all = planBatches(asked, batchSize(ground, model.batchSize));
  const batches = request.probe ? [oneOf(all, context.clock.now())] : all;
  const categories = batches.flat();
  const features = await context.features.rows(request.model, categories);
  const dataMs = context.features.newestMs(request.model);
  const common = { cycle, model: request.model, generation: spec.generation };
  const startedAtMs = context.clock.now();
  const payload: CyclePayload = {
    ...common,
    trigger: request.trigger,
    startedAtMs,
    batchSizes: batches.map((batch) => batch.length),
    batchStarts: batches.map((batch) => batch[0] ?? ''),
    whole: request.categories === undefined && !request.probe ? categoriesHash(model.categories) : null,
    copyKept: behind,
    ...(request.probe && { probe: request.probe }),
    ...(request.anyway && { anyway: request.anyway }),
    ...(request.shortOf !== undefined && { shortOf: request.shortOf }),
    ...(dataMs !== null && { dataMs }),
  };
  const children = batches.map((batch, number) => ({
    id: batchId(cycle, number),
    payload: {
      ...{ ...common, number, mode, copyKept: behind, categories: batch },
      ...(usesClock(spec) && { clockMs: startedAtMs }),
      ...(features && { features: batch.map((category) => [...(features.get(category) ?? [])]) }),
    } satisfies BatchPayload,
  }));
  const record = { ...blank(context, request, cycle), expected: categories.length, batches: batches.length };
  const running: CycleRecord = { ...record, generation: spec.generation, state: 'running', finishedAt: null };
  // The history does not hold the jobs up; whichever is written last, the end of a cycle stays its end.
  await Promise.all([
    context.traces.planned(payload, () =>
      context.enqueue.addFlow('publish', { id: cycle, payload }, 'warm-batch', children),
    ),
    rememberGeneration(context, spec, live, log).then(() => remember(context, running, [], log)),
  ]);
  log.debug('cycle planned', { trigger: request.trigger, mode, rows: categories.length, batches: batches.length });
  return { started: true, cycle, batches: batches.length };
}

/** Another one each time: the categories of one batch may be all that is wrong. */
function oneOf(batches: readonly string[][], seed: number): string[] {
  return batches[seed % batches.length] ?? [];
}

/** Takes the model for this cycle. A holder whose jobs are gone from the queue is lost and gives way. */
async function claim(context: JobContext, model: string, cycle: string, log: Logger): Promise<boolean> {
  const { cycles, enqueue } = context;
  let taken = await cycles.claim(model, cycle);
  if (!taken) {
    const holder = await cycles.holder(model);
    const holds =
      holder !== undefined && ((await cycles.isAdding(model)) || (await enqueue.isPending('publish', holder)));
    if (holds) return false;
    if (holder !== undefined) {
      log.warn('a cycle vanished from the queue before it ended', { code: 'FW_CYCLE_LOST', lost: holder });
      await cycles.release(model, holder);
    }
    taken = await cycles.claim(model, cycle);
  }
  if (taken) await closeLost(context, model, cycle, log);
  return taken;
}

/** What the history still has as running is not: this cycle alone holds the model. */
async function closeLost(context: JobContext, model: string, cycle: string, log: Logger): Promise<void> {
  await context.history.closeLost(model, [cycle], 'its jobs vanished from the queue').catch((error: unknown) => {
    context.errors.report('lost cycles could not be closed in the history', error, errorFacts(error), { log });
  });
}

/**
 * The overlap policy, for a request that finds a cycle of its model still running. `undefined` when that one ended before it
 * could be told of a wish for another.
 */
async function notStarted(
  context: JobContext,
  request: CycleRequest,
  cycle: string,
  log: Logger,
): Promise<CycleStart | undefined> {
  const { model, trigger } = request;
  const asked = blank(context, request, cycle);
  const holder = await context.cycles.holder(model);
  const reason = `cycle ${holder ?? 'of another daemon'} still runs`;
  const follows = { started: false, reason: `${reason}; another follows it` } as const;
  // The running cycle may be of another generation: a daemon that starts makes sure of its own when it has ended.
  if (trigger === 'heal' || trigger === 'startup') {
    return (await context.cycles.wantNext(model, 'heal')) ? follows : undefined;
  }
  if (isOnDemand(trigger)) return { started: false, reason, again: true };
  const queued = context.models.configured(model).overlap === 'queue';
  // A cycle over some rows is no reason to leave the others for a whole period.
  if (queued || !(await isWhole(context, holder))) {
    return (await context.cycles.wantNext(model, 'schedule')) ? follows : undefined;
  }
  log.warn('cycle skipped', { reason });
  context.metrics.cycles.inc({ model, state: 'skipped' });
  await remember(context, { ...asked, state: 'skipped', reason }, [], log);
  return { started: false, reason };
}

async function isWhole(context: JobContext, cycle: string | undefined): Promise<boolean> {
  const data = cycle === undefined ? undefined : await context.enqueue.dataOf('publish', cycle);
  const payload = cyclePayload.safeParse(data);
  return !payload.success || payload.data.whole !== null;
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

async function rememberGeneration(
  context: JobContext,
  spec: ModelSpec,
  live: LivePointer | undefined,
  log: Logger,
): Promise<void> {
  const liveSince = live?.generation === spec.generation ? new Date(live.publishedAt) : null;
  await context.generations.begin(spec, liveSince).catch((error: unknown) => {
    context.errors.report('the generation could not be recorded', error, errorFacts(error), { log });
  });
}
