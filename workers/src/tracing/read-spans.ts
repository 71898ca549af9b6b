import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import type { CallOptions, Outcome, Provenance } from '#shared/predictor/answers';
import type { Reader } from '../reader';
import { SpanClock } from './span-clock';
import { recordReadError } from './span-errors';
import { TierTimes } from './tier-times';

/** Reads over HTTP: a span for each call of the reader, and below it one for each tier that was tried. */
export class ReadSpans {
  private readonly tracer: Tracer;

  constructor(tracer: Tracer) {
    this.tracer = tracer;
  }

  /** Takes up the trace that a client sends along with a request (`traceparent`). */
  follow(scope: FastifyInstance): void {
    // Not before the body has been read, which would lose it again.
    scope.addHook('preHandler', (request, _reply, done) => {
      context.with(propagation.extract(ROOT_CONTEXT, request.headers), done);
    });
  }

  /** A reader that is traced. */
  over(reader: Reader): Reader {
    return {
      describe: (model, options) => reader.describe(model, options),
      predict: (model, category, coordinates, options) =>
        this.read(
          { 'forewarm.model': model, 'forewarm.call': 'predict' },
          options,
          (watched) => reader.predict(model, category, coordinates, watched),
          provenance,
        ),
      row: (model, category, options) =>
        this.read(
          { 'forewarm.model': model, 'forewarm.call': 'row' },
          options,
          (watched) => reader.row(model, category, watched),
          provenance,
        ),
      rowBytes: (model, category, options) =>
        this.read(
          { 'forewarm.model': model, 'forewarm.call': 'rowBytes' },
          options,
          (watched) => reader.rowBytes(model, category, watched),
          provenance,
        ),
      predictMany: (questions, options) =>
        this.read(
          {
            'forewarm.model': questions[0]?.model ?? '',
            'forewarm.call': 'predictMany',
            'forewarm.questions': questions.length,
          },
          options,
          (watched) => reader.predictMany(questions, watched),
          outcomes,
        ),
    };
  }

  private async read<T>(
    attributes: Attributes,
    options: CallOptions | undefined,
    ask: (options: CallOptions | undefined) => Promise<T>,
    tell: (span: Span, answer: T) => void,
  ): Promise<T> {
    const clock = new SpanClock();
    const parent = context.active();
    const about = { kind: SpanKind.SERVER, startTime: clock.beganMs, attributes };
    const span = this.tracer.startSpan('forewarm.read', about, parent);
    if (!span.isRecording()) return ask(options);
    const tiers = new TierTimes(clock);
    try {
      const answer = await ask({ ...options, onTier: (tried) => tiers.tried(tried) });
      tell(span, answer);
      return answer;
    } catch (error) {
      // The client is gone, or waits no longer.
      if (options?.signal?.aborted) span.setAttribute('forewarm.aborted', true);
      else recordReadError(span, error);
      throw error;
    } finally {
      tiers.addSpans(this.tracer, trace.setSpan(parent, span));
      span.end(clock.now());
    }
  }
}

function provenance(span: Span, { tier, generation, ageMs, stale }: Provenance): void {
  span.setAttributes({
    'forewarm.tier': tier,
    'forewarm.generation': generation,
    'forewarm.age_ms': ageMs,
    'forewarm.stale': stale,
  });
}

/** Those that were rejected have an event for each kind of error: each question is an answer of its own. */
function outcomes(span: Span, all: readonly Outcome[]): void {
  const reasons = all.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  span.setAttribute('forewarm.rejected', reasons.length);
  for (const reason of new Map(reasons.map((one) => [one.code, one])).values()) recordReadError(span, reason);
}
