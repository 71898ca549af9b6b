import { type Attributes, type Context, type Span, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { BatchSummary } from '#shared/inference/protocol';

/**
 * What an inference process spent a batch with, as spans below it, by the times that it reported: it has no SDK. It computes and
 * writes by turns, so that a stage is many short pieces: its span is as long as their sum, `forewarm.sum_ms`, as far as it fits
 * into the batch. Inference is drawn where it began, writing where it ended.
 */
export function addBatchStages(
  tracer: Tracer,
  batch: Span,
  within: Context,
  { timings, durableError }: Pick<BatchSummary, 'timings' | 'durableError'>,
  endedMs: number,
): void {
  const { wallMs, loadMs, readMs, featuresMs, inferMs, packMs, redisMs, postgresMs } = timings;
  batch.setAttributes({
    'forewarm.process_ms': wallMs,
    'forewarm.load_ms': loadMs,
    'forewarm.read_ms': readMs,
    'forewarm.features_ms': featuresMs,
    'forewarm.pack_ms': packMs,
  });
  const beganMs = endedMs - wallMs;
  const add = (name: string, sumMs: number, fromMs: number, attributes: Attributes = {}, failed = false): void => {
    if (sumMs === 0) return;
    const startTime = Math.min(Math.max(fromMs, beganMs), endedMs);
    const span = tracer.startSpan(name, { startTime, attributes: { 'forewarm.sum_ms': sumMs, ...attributes } }, within);
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(Math.min(startTime + sumMs, endedMs));
  };
  add('forewarm.infer', inferMs, beganMs + loadMs + readMs + featuresMs);
  add('forewarm.write', redisMs, endedMs - redisMs, { 'forewarm.to': 'redis' });
  add('forewarm.write', postgresMs, endedMs - postgresMs, { 'forewarm.to': 'postgres' }, durableError !== undefined);
}
