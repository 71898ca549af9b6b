import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

type QueueSpan = ReturnType<Telemetry['tracer']['startSpan']>;

/** Leaves the trace as it is. */
const NO_SPAN: QueueSpan = {
  setSpanOnContext: (context) => context,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/**
 * How a trace goes along with jobs: bullmq-otel writes it into their options and brings it back where they run. Spans of BullMQ's
 * own are left out: each look for a job or for stalled ones, several a second, is a trace by itself, and between a cycle and
 * its batches would lie the adding of each job.
 */
export function queueContext(): Telemetry {
  const { contextManager } = new BullMQOtel({ tracerName: 'forewarm' });
  return { contextManager, tracer: { startSpan: () => NO_SPAN } };
}
