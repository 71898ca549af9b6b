import { type ErrorCode, ForewarmError, messageOf } from '#shared/errors';

/** What Fastify throws by itself, as errors of the catalogue. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'FW_HTTP_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'FW_HTTP_CONTENT_TYPE',
};

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface Thrown {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly validation?: readonly Fault[];
  readonly validationContext?: string;
}

/** Anything that was thrown while a request was answered, as an error of the catalogue: FW_INTERNAL, which says nothing, for what nobody foresaw. */
export function httpError(thrown: unknown): ForewarmError {
  if (thrown instanceof ForewarmError) return thrown;
  const { code, statusCode, validation, validationContext } = (thrown ?? {}) as Thrown;
  if (validation?.[0] !== undefined) return faultOf(validation[0], validationContext ?? 'body');
  const known = typeof code === 'string' ? CODES[code] : undefined;
  if (known !== undefined) return new ForewarmError(known, messageOf(thrown));
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ForewarmError('FW_HTTP_BAD_REQUEST', messageOf(thrown));
  }
  return new ForewarmError('FW_INTERNAL', 'the request could not be answered', { cause: thrown });
}

/** Ajv says what is wrong; this says where in words of the request. */
function faultOf({ keyword, instancePath, message = 'is wrong', params }: Fault, context: string): ForewarmError {
  const where = context === 'querystring' ? 'query' : context;
  const path = `${where}${instancePath.replaceAll('/', '.')}`;
  if (keyword === 'maxItems') {
    return new ForewarmError('FW_HTTP_TOO_LARGE', `${path} has more than ${params.limit} items`);
  }
  if (where === 'query' && keyword === 'type') {
    return new ForewarmError('FW_HTTP_BAD_REQUEST', `${path} is given more than once`);
  }
  if (keyword === 'required')
    return new ForewarmError('FW_HTTP_BAD_REQUEST', `${path}.${params.missingProperty} is missing`);
  const name = keyword === 'additionalProperties' ? ` (${JSON.stringify(params.additionalProperty)})` : '';
  return new ForewarmError('FW_HTTP_BAD_REQUEST', `${path} ${message}${name}`);
}
