import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '#shared/config/listen';
import { ForewarmError } from '#shared/errors';

/** Methods that change nothing: what they answer is kept from pages of other sites by the browser itself. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export interface CrossSiteOptions {
  /** The listener is reached from this machine alone, so that any other name in `Host` is a trick (DNS rebinding). */
  readonly loopbackOnly: boolean;
}

/**
 * Refuses what a page of another site makes its visitor's browser send to the routes of this scope: whoever changes something has
 * to come from a page of this listener, and to send JSON. Add it before the routes.
 * Each refusal is thrown: FW_HTTP_CROSS_SITE or FW_HTTP_CONTENT_TYPE.
 */
export function refuseCrossSite(scope: FastifyInstance, { loopbackOnly }: CrossSiteOptions): void {
  scope.addHook('onRequest', async (request) => {
    if (loopbackOnly) requireLoopbackName(request.headers.host);
    if (READING.has(request.method)) return;
    requireSameOrigin(request);
    requireJson(request);
  });
}

/** FW_HTTP_CROSS_SITE for another name than those of this machine: a browser that was led to 127.0.0.1 under the name of another site says it. */
export function requireLoopbackName(host: string | undefined): void {
  const [, bracketed, plain = bracketed] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host ?? '') ?? [];
  const name = plain?.toLowerCase();
  if (name !== undefined && (name === 'localhost' || isIP(name) !== 0) && isLoopback(name)) return;
  const why = 'this listener is reached as localhost, 127.0.0.1 or [::1] only';
  throw crossSite(host === undefined ? `the request has no Host; ${why}` : `Host is ${quoted(host)}; ${why}`);
}

/** FW_HTTP_CROSS_SITE for what a page of another site sends, as far as its browser says so. */
export function refuseOtherSites({ method, headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (READING.has(method) || site === undefined || site === 'same-origin' || site === 'none') return;
  throw crossSite(`Sec-Fetch-Site is ${quoted(String(site))}`);
}

/** Every browser names the origin of a page that sends something; `Sec-Fetch-Site` is younger, and not to be set by a page. */
function requireSameOrigin({ headers }: FastifyRequest): void {
  const { origin, host = '', 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') throw crossSite(`Sec-Fetch-Site is ${quoted(String(site))}`);
  if (origin === undefined) throw crossSite('the request has no Origin');
  if (!isOriginOf(origin, host)) throw crossSite(`Origin is ${quoted(origin)}, which is not ${quoted(host)}`);
}

function isOriginOf(origin: string, host: string): boolean {
  if (!/^https?:\/\//i.test(origin)) return false;
  try {
    const page = new URL(origin);
    // With the page's scheme: a port that is the scheme's own is left out in both.
    return page.host === new URL(`${page.protocol}//${host}`).host;
  } catch {
    return false;
  }
}

/** A page of another site cannot send JSON unasked; text and forms it can. Without a body there is nothing to be misread. */
function requireJson({ headers }: FastifyRequest): void {
  const { 'content-type': type, 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  const empty = length === '0' && coding === undefined;
  if (type === undefined ? empty : /^application\/json\s*(;|$)/i.test(type)) return;
  const given = type === undefined ? 'has no Content-Type' : `has the Content-Type ${quoted(type)}`;
  throw new ForewarmError('FW_HTTP_CONTENT_TYPE', `the request ${given}`);
}

function crossSite(message: string): ForewarmError {
  return new ForewarmError('FW_HTTP_CROSS_SITE', message);
}

/** Headers are written by strangers. */
function quoted(header: string): string {
  return JSON.stringify(header.length > 100 ? `${header.slice(0, 100)}…` : header);
}
