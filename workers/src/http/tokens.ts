import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ForewarmError } from '#shared/errors';

/** How a client may show a token: a program as a bearer, a browser as the password that its own window asks for. */
export type Scheme = 'bearer' | 'basic';

const CREDENTIALS = { bearer: /^Bearer +(\S+) *$/i, basic: /^Basic +(\S+) *$/i };
const CHALLENGE = { bearer: 'Bearer realm="forewarm"', basic: 'Basic realm="forewarm", charset="UTF-8"' };

/** The tokens of the configuration. How long a comparison takes tells nothing about them. */
export class Tokens {
  private readonly digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.digests = tokens.map(digest);
  }

  /** Without any, nobody can be asked for one. */
  get configured(): boolean {
    return this.digests.length > 0;
  }

  /** Which of the tokens the request carries; `undefined` for none. */
  carriedBy({ headers }: FastifyRequest, schemes: readonly Scheme[] = ['bearer']): number | undefined {
    const { authorization } = headers;
    if (authorization === undefined) return undefined;
    for (const scheme of schemes) {
      const [, credentials] = CREDENTIALS[scheme].exec(authorization) ?? [];
      if (credentials !== undefined) return this.find(scheme === 'basic' ? passwordOf(credentials) : credentials);
    }
    return undefined;
  }

  /** FW_HTTP_UNAUTHORIZED, after the reply was told what to ask the client for. */
  refusal(request: FastifyRequest, reply: FastifyReply, schemes: readonly Scheme[] = ['bearer']): ForewarmError {
    const wrong = request.headers.authorization !== undefined;
    const challenges = schemes.map((scheme) => `${CHALLENGE[scheme]}${wrong && scheme === 'bearer' ? WRONG : ''}`);
    reply.header('www-authenticate', challenges.join(', '));
    const why = wrong ? 'the token in Authorization is not one of http.tokens' : 'the request has no Authorization';
    return new ForewarmError('FW_HTTP_UNAUTHORIZED', why);
  }

  /** All of them are compared, whichever fits. */
  private find(given: string): number | undefined {
    const wanted = digest(given);
    let found: number | undefined;
    this.digests.forEach((known, i) => {
      if (timingSafeEqual(known, wanted)) found = i;
    });
    return found;
  }
}

const WRONG = ', error="invalid_token"';

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function passwordOf(credentials: string): string {
  const pair = Buffer.from(credentials, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

/** Lets only requests with a token to the routes of this scope: pages, which a browser may ask for as well. Add it before the routes. */
export function requireToken(scope: FastifyInstance, tokens: Tokens): void {
  const schemes = ['bearer', 'basic'] as const;
  scope.addHook('onRequest', (request, reply, done) => {
    if (tokens.carriedBy(request, schemes) !== undefined) done();
    else done(tokens.refusal(request, reply, schemes));
  });
}
