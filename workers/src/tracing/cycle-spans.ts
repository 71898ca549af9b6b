import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { BatchPayload, CyclePayload } from '#jobs/cycle/payloads';
import type { CancelledBatch } from '#jobs/cycle/settle-cycle';
import type { BatchEnd, EndedCycle } from '#jobs/traces';
import type { ForewarmError } from '#shared/errors';
import type { BatchSummary } from '#shared/inference/protocol';
import type { CycleRecord, RowCounts } from '#shared/store/history-store';
import { addBatchStages } from './batch-stages';
import { SpanClock } from './span-clock';
import { recordError } from './span-errors';
import type { SpanIds } from './span-ids';

const CYCLE = 'forewarm.cycle';

/** One trace for each cycle: the cycle, below it its batches, and below each of those what it spent its time with. */
export class CycleSpans {
  private readonly tracer: Tracer;
  private readonly ids: SpanIds;

  constructor(tracer: Tracer, ids: SpanIds) {
    this.tracer = tracer;
    this.ids = ids;
  }

  /** What is begun here gives the trace its number and is never ended: `ended` makes the span of that number, wherever it runs. */
  planned<T>(cycle: CyclePayload, add: () => Promise<T>): Promise<T> {
    const attributes = cycleAttributes({ ...cycle, id: cycle.cycle });
    const begun = this.tracer.startSpan(CYCLE, { root: true, startTime: cycle.startedAtMs, attributes });
    return context.with(trace.setSpan(ROOT_CONTEXT, begun), add);
  }

  notPlanned(record: CycleRecord, error: ForewarmError): void {
    const span = this.tracer.startSpan(CYCLE, {
      root: true,
      startTime: record.startedAt,
      attributes: { ...cycleAttributes(record), 'forewarm.state': record.state },
    });
    recordError(span, error);
    span.end();
  }

  ended({ record, reasons, error }: EndedCycle): void {
    const parent = trace.getSpanContext(context.active());
    if (parent === undefined) return;
    const { state, expected, batches, durable, startedAt, finishedAt } = record;
    const attributes = {
      ...cycleAttributes(record),
      'forewarm.state': state,
      'forewarm.batches': batches,
      'forewarm.rows': expected,
      ...rowAttributes(record),
      'forewarm.rows.durable': durable,
      ...(reasons.length > 0 && { 'forewarm.reason': reasons.join('; ') }),
    };
    const options = { root: true, startTime: startedAt, attributes };
    const span = this.ids.under(parent, () => this.tracer.startSpan(CYCLE, options, ROOT_CONTEXT));
    if (error !== undefined) recordError(span, error);
    else if (state === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(finishedAt ?? undefined);
  }

  async batch<T extends BatchEnd>(payload: BatchPayload, again: boolean, run: () => Promise<T>): Promise<T> {
    const parent = context.active();
    // It was planned by a daemon that traces nothing.
    if (trace.getSpanContext(parent) === undefined) return run();
    const clock = new SpanClock();
    const begin = (): Span =>
      this.tracer.startSpan(
        'forewarm.batch',
        { startTime: clock.beganMs, attributes: { ...batchAttributes(payload), 'forewarm.again': again } },
        parent,
      );
    try {
      const end = await run();
      // One that did not begin will be run again, here or elsewhere.
      if (end.outcome === 'done') this.endBatch(begin(), parent, end.summary as BatchSummary | CancelledBatch, clock);
      return end;
    } catch (error) {
      const span = begin();
      span.setAttribute('forewarm.state', 'failed');
      recordError(span, error);
      span.end(clock.now());
      throw error;
    }
  }

  private endBatch(span: Span, parent: Context, summary: BatchSummary | CancelledBatch, clock: SpanClock): void {
    const endedMs = clock.now();
    if ('cancelled' in summary) span.setAttribute('forewarm.state', 'cancelled');
    else {
      const { failed, failures, durable, durableError } = summary;
      const codes = new Set(failures.map(({ code }) => code));
      span.setAttributes({
        'forewarm.state': failed > 0 || durableError !== undefined ? 'degraded' : 'complete',
        ...rowAttributes(summary),
        'forewarm.rows.durable': durable,
        ...(codes.size > 0 && { 'forewarm.failures': [...codes] }),
      });
      if (span.isRecording()) addBatchStages(this.tracer, span, trace.setSpan(parent, span), summary, endedMs);
    }
    span.end(endedMs);
  }
}

function cycleAttributes({
  id,
  model,
  generation,
  trigger,
}: Pick<CycleRecord, 'id' | 'model' | 'generation' | 'trigger'>): Attributes {
  return {
    'forewarm.model': model,
    'forewarm.cycle': id,
    ...(generation !== null && { 'forewarm.generation': generation }),
    'forewarm.trigger': trigger,
  };
}

/** Of its categories only how many they are. */
function batchAttributes({ cycle, number, model, generation, mode, categories }: BatchPayload): Attributes {
  return {
    'forewarm.model': model,
    'forewarm.cycle': cycle,
    'forewarm.generation': generation,
    'forewarm.batch': number,
    'forewarm.mode': mode,
    'forewarm.categories': categories.length,
  };
}

function rowAttributes({ computed, restored, verified, failed }: Omit<RowCounts, 'durable'>): Attributes {
  return {
    'forewarm.rows.computed': computed,
    'forewarm.rows.restored': restored,
    'forewarm.rows.verified': verified,
    'forewarm.rows.failed': failed,
  };
}
