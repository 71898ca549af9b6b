import type { CycleState } from '#shared/cache/pointer';
import type { Logger } from '#shared/logger';
import type { CycleRecord, RowCounts } from '#shared/store/history-store';
import type { JobContext } from '../context';
import { categoriesHash } from '../cycle/categories-hash';
import { batchId } from '../cycle/cycle-id';
import { outcomeOf } from '../cycle/model-breaker';
import { noteFailure, noteWorks } from '../cycle/model-tries';
import { batchPayload, type CyclePayload, cyclePayload } from '../cycle/payloads';
import { plainReasons } from '../cycle/plain-reasons';
import { type Published, publishCycle } from '../cycle/publish-cycle';
import { refreshCategories } from '../cycle/refresh-sources';
import { remember } from '../cycle/remember';
import { requireModel } from '../cycle/require-model';
import { type SettledCycle, settleCycle } from '../cycle/settle-cycle';
import { defineJob } from '../define-job';

/** What a cycle came to, for whoever waits for it. */
export interface PublishSummary extends RowCounts {
  readonly state: CycleState;
  readonly reason: string | null;
  /** Rows that the cycle had to see to. */
  readonly rows: number;
  readonly durationMs: number;
}

/** The join: runs when all batches of a cycle have ended, publishes what they wrote and closes the cycle. */
export const publish = defineJob({
  name: 'publish',
  description: 'Joins the batches of a cycle, publishes its generation and records it.',
  role: 'scheduler',
  payload: cyclePayload,
  facts: ({ cycle, model }) => ({ cycle, model }),
  retries: { attempts: 5, firstDelayMs: 500 },
  // The results of a large grid's batches are with it; whoever waits for the cycle looks every moment.
  keepDone: { count: 100, age: 60 },
  async run({ payload, context, log, children }) {
    const { model, cycle } = payload;
    requireModel(context, model);
    // Another daemon may have planned it, with categories that this one has not seen yet.
    if (payload.whole !== categoriesHash(context.models.configured(model).categories)) {
      await refreshCategories(context, model, log);
    }
    const joined = settleCycle(payload, await children());
    const settled = degradedBy(payload, await withFailedCategories(context, payload, joined));
    // A daemon that died or slept at the very end has published: a cycle that holds its model no longer is over.
    if ((await context.cycles.holder(model)) === cycle) {
      return { outcome: 'done', summary: summaryOf(await end(context, payload, settled, log)) };
    }
    await grantNext(context, model);
    const record = toRecord(context, payload, settled);
    return { outcome: 'done', summary: summaryOf(record) };
  },
  /** The rows that were written are served where their generation is live; the model is free for its next cycle. */
  async failed({ payload, context, log, children }, error) {
    const settled = await withFailedCategories(context, payload, settleCycle(payload, await children()));
    const reasons = [`not published: ${error.message}`, settled.reason].filter((text) => text !== null);
    const failed: SettledCycle = { ...settled, state: 'failed', reason: reasons.join('; ') };
    const record = toRecord(context, payload, failed, undefined);
    await close(context, record, failed, log);
    report(context, record, failed, undefined, log);
    context.traces.ended({ record, reasons: plainReasons(record, failed, undefined, error), error });
  },
});

/** A cycle that was planned with less than it should have been is not complete. */
function degradedBy({ shortOf }: CyclePayload, settled: SettledCycle): SettledCycle {
  if (shortOf === undefined) return settled;
  const reason = [shortOf, settled.reason].filter((text) => text !== null).join('; ');
  return { ...settled, reason, state: settled.state === 'complete' ? 'degraded' : settled.state };
}

/** Publishes and records; once the model is free, nobody does it again, and the cycle has its one line. */
async function end(
  context: JobContext,
  payload: CyclePayload,
  settled: SettledCycle,
  log: Logger,
): Promise<CycleRecord> {
  const published = await publishCycle(context, payload, settled, log).catch((error: unknown) => {
    if (settled.state !== 'failed') throw error;
    return unchanged(context, payload.model);
  });
  await noteCopies(context, payload, settled, published.undropped);
  const broken = await noteOutcome(context, payload, settled, log);
  const record = toRecord(context, payload, settled, published, broken);
  await close(context, record, settled, log);
  report(context, record, settled, published, log);
  context.traces.ended({ record, reasons: plainReasons(record, settled, published) });
  return record;
}

/** A cache that takes no writes, which is why a cycle fails, must not keep it from ending. */
async function unchanged({ cache }: JobContext, model: string): Promise<Published> {
  const live = await cache(model)
    .pointer()
    .catch(() => undefined);
  return { live, metadata: undefined, withheld: null, gone: null };
}

/** What the cycle tells of its model. Returns what to add to its reason. */
async function noteOutcome(
  context: JobContext,
  { model, whole, probe }: CyclePayload,
  settled: SettledCycle,
  log: Logger,
): Promise<string | null> {
  const outcome = outcomeOf(settled);
  if (outcome === 'works') {
    const again = await noteWorks(context, model, log);
    // The rows that the probe left out have waited for it.
    if (again && probe) await context.cycles.wantNext(model, 'schedule');
    return null;
  }
  // Some rows that always fail are not the model.
  if (outcome === 'unknown' || (whole === null && !probe)) return null;
  return noteFailure(context, model, outcome, log);
}

/** Records the end of a cycle and frees its model for what was asked for meanwhile. */
async function close(context: JobContext, record: CycleRecord, settled: SettledCycle, log: Logger): Promise<void> {
  await remember(context, record, settled.batches, log);
  await context.fuse.forget(record.id);
  await context.cycles.release(record.model, record.id);
  await grantNext(context, record.model);
}

function grantNext({ cycles, enqueue }: JobContext, model: string): Promise<void> {
  return cycles.grantNext(model, (trigger) => enqueue.add('warm', { model, trigger }));
}

function summaryOf(record: CycleRecord): PublishSummary {
  const { state, reason, expected, durationMs, computed, restored, verified, failed, durable } = record;
  return { state, reason, rows: expected, durationMs: durationMs ?? 0, computed, restored, verified, failed, durable };
}

/**
 * What Postgres lacks, or has too much, is seen to by the next whole cycle, and is no debt any longer once one has had every
 * row in hand.
 */
async function noteCopies(
  { debts }: JobContext,
  payload: CyclePayload,
  settled: SettledCycle,
  undropped = false,
): Promise<void> {
  if (settled.behind || undropped) return debts.add(payload.model);
  const hadEveryRow = payload.whole !== null && settled.everyRow && (payload.copyKept || settled.verified === 0);
  if (hadEveryRow && settled.state !== 'failed') await debts.settle(payload.model);
}

/** A batch that failed brought no word of its categories: its job still has them. */
async function withFailedCategories(
  context: JobContext,
  { cycle }: CyclePayload,
  settled: SettledCycle,
): Promise<SettledCycle> {
  const batches = settled.batches.map(async (batch) => {
    if (batch.state !== 'failed') return batch;
    const job = batchPayload.safeParse(await context.enqueue.dataOf('warm-batch', batchId(cycle, batch.number)));
    return job.success ? { ...batch, failedCategories: job.data.categories } : batch;
  });
  return { ...settled, batches: await Promise.all(batches) };
}

function toRecord(
  context: JobContext,
  payload: CyclePayload,
  settled: SettledCycle,
  published?: Published,
  broken: string | null = null,
): CycleRecord {
  const now = context.clock.now();
  const ended = settled.state === 'failed' || settled.state === 'cancelled';
  const why = published?.withheld ?? null;
  const gone = published?.gone ?? null;
  const withheld = why !== null && !ended;
  const reasons = [settled.reason, withheld ? `generation not published: ${why}` : null, gone, broken];
  const behind = withheld || (settled.state === 'complete' && gone !== null);
  const reason = reasons.filter((text) => text !== null).join('; ');
  const { computed, restored, verified, failed, durable } = settled;
  return {
    id: payload.cycle,
    model: payload.model,
    generation: payload.generation,
    trigger: payload.trigger,
    state: behind ? 'degraded' : settled.state,
    host: context.host,
    startedAt: new Date(payload.startedAtMs),
    finishedAt: new Date(now),
    durationMs: Math.max(0, now - payload.startedAtMs),
    expected: payload.batchSizes.reduce((total, n) => total + n, 0),
    batches: payload.batchSizes.length,
    ...{ computed, restored, verified, failed, durable },
    reason: reason === '' ? null : reason,
  };
}

const LEVELS: Record<CycleState, 'info' | 'warn' | 'error'> = {
  running: 'info',
  complete: 'info',
  skipped: 'info',
  cancelled: 'warn',
  degraded: 'warn',
  failed: 'error',
};

/** The one line per cycle, and its metrics. @param published `undefined` when that failed and what is live is not known */
function report(
  context: JobContext,
  record: CycleRecord,
  { lost, batches }: SettledCycle,
  published: Published | undefined,
  log: Logger,
): void {
  const { model, state, trigger, durationMs, expected, computed, restored, verified, failed, durable } = record;
  const { metrics } = context;
  metrics.cycles.inc({ model, state });
  metrics.cycleDuration.observe({ model }, (durationMs ?? 0) / 1_000);
  for (const [action, rows] of Object.entries({ computed, restored, verified, failed })) {
    metrics.rows.inc({ model, action }, rows);
  }
  metrics.rowsLost.inc({ model }, lost);
  metrics.cycleBatches(model, batches);
  if (published?.metadata !== undefined) metrics.metadata(model, published.metadata);
  const some = Object.fromEntries(Object.entries({ lost, restored, verified, failed }).filter(([, rows]) => rows > 0));
  log[LEVELS[state]](`cycle ${state}`, {
    trigger,
    ms: durationMs,
    rows: expected,
    computed,
    ...some,
    durable,
    batches: record.batches,
    ...(published === undefined ? {} : { live: published.live?.generation ?? null }),
    ...(record.reason === null ? {} : { reason: record.reason }),
  });
}
