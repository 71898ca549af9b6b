import { ERROR_CATALOGUE, type ErrorCode, type ErrorKind, ForewarmError, messageOf } from '#shared/errors';

const STATUS: Record<ErrorKind, number> = { input: 400, notFound: 404, refused: 409, internal: 500, unavailable: 503 };

/** Where HTTP has a word of its own. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  FW_HTTP_UNAUTHORIZED: 401,
  FW_HTTP_CROSS_SITE: 403,
  FW_HTTP_FORBIDDEN: 403,
  FW_HTTP_READ_ONLY: 405,
  FW_HTTP_METHOD: 405,
  FW_HTTP_TIME_LIMIT: 408,
  FW_HTTP_TOO_LARGE: 413,
  FW_HTTP_CONTENT_TYPE: 415,
  FW_HTTP_RATE_LIMIT: 429,
  FW_READ_DEADLINE: 504,
};

export function statusOf(code: ErrorCode): number {
  return STATUS_OF[code] ?? STATUS[ERROR_CATALOGUE[code].kind];
}

export interface ErrorReply {
  readonly status: number;
  readonly body: {
    /** Absent for what the HTTP server itself refuses, such as a body that is no JSON. */
    readonly code?: ErrorCode;
    /** What is wrong. */
    readonly error: string;
    /** What to do next. */
    readonly message?: string;
  };
}

/** What an HTTP client is told of an error. Of one that is not of the catalogue it learns nothing: it belongs in the log. */
export function errorReply(thrown: unknown): ErrorReply {
  if (thrown instanceof ForewarmError) {
    const { code, message, next } = thrown;
    return {
      status: statusOf(code),
      body: { code, error: message, message: next },
    };
  }
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, body: { error: messageOf(thrown) } };
  const { means, next } = ERROR_CATALOGUE.FW_INTERNAL;
  return { status: 500, body: { code: 'FW_INTERNAL', error: means, message: next } };
}
