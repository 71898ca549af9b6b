import { type Span, SpanStatusCode } from '@opentelemetry/api';
import { asForewarmError, ERROR_CATALOGUE, type ErrorCode } from '#shared/errors';

/**
 * Puts an error on a span by its code, with what that means. The message itself stays out: it may name a category, or quote a
 * value; the log and the run history have it.
 */
export function recordError(span: Span, thrown: unknown): void {
  const { code } = asForewarmError(thrown);
  note(span, code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

/** As `recordError`, for a read: what is wrong with a question is no fault of who could not answer it. */
export function recordReadError(span: Span, thrown: unknown): void {
  const { code } = asForewarmError(thrown);
  const { kind } = ERROR_CATALOGUE[code];
  if (kind === 'input' || kind === 'notFound') note(span, code);
  else recordError(span, thrown);
}

function note(span: Span, code: ErrorCode): void {
  span.setAttribute('error.type', code);
  span.recordException({ name: code, message: ERROR_CATALOGUE[code].means });
}
