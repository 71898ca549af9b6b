import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Provenance } from '#shared/predictor/answers';

/** `bytes` is the same for as long as its row is; JSON tells the age and the tier as well, which are not. */
export type Form = 'json' | 'bytes';

/**
 * Sets the headers that say where an answer comes from and for how long it may be kept, and tells whether the client has it
 * already, so that 304 is all there is to say.
 * @param everyMs period of the model's cycles: until the next, a row is not replaced
 */
export function describeAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Provenance,
  everyMs: number,
  form: Form = 'json',
): boolean {
  const etag = etagOf(answer, form);
  reply.headers({
    etag,
    age: Math.floor(answer.ageMs / 1_000),
    'cache-control': cacheControl(answer, everyMs),
    'forewarm-tier': answer.tier,
    'forewarm-generation': answer.generation,
    'forewarm-model-version': headerText(answer.modelVersion),
    'forewarm-computed-at': answer.computedAt,
    'forewarm-stale': String(answer.stale),
  });
  const known = request.headers['if-none-match'];
  return known !== undefined && matches(known, etag);
}

/** `Age` counts from when the row was computed, and so does `max-age`: an answer is fresh until the next row is due. */
function cacheControl({ stale }: Provenance, everyMs: number): string {
  return stale ? 'private, no-cache' : `private, max-age=${Math.floor(everyMs / 1_000)}`;
}

/** A row is known by its generation and when it was computed. That an answer has become stale makes it another. */
export function etagOf({ generation, computedAt, stale }: Provenance, form: Form): string {
  const row = `${generation}-${Date.parse(computedAt).toString(36)}`;
  return form === 'bytes' ? `"${row}"` : `W/"${row}-json${stale ? '-stale' : ''}"`;
}

/** Whether a header If-None-Match names the tag: weakly, as RFC 9110 has it for this header. */
export function matches(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  const wanted = opaque(etag);
  return (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some((known) => opaque(known) === wanted);
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

/** Headers hold no more than printable ASCII: all else is percent-encoded. */
function headerText(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
