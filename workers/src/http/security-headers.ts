import type { FastifyHelmetOptions } from '@fastify/helmet';

type Sources = Readonly<Record<string, readonly string[]>>;

/** What is sent with every answer: nobody frames it, and it loads nothing but what `sources` name. */
export function securityHeaders(sources: Sources = {}): FastifyHelmetOptions {
  const none = ["'none'"];
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: none, baseUri: none, formAction: none, frameAncestors: none, ...copied(sources) },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // The listener speaks HTTP: whatever ends TLS in front of it says this.
    strictTransportSecurity: false,
  };
}

function copied(sources: Sources): Record<string, string[]> {
  return Object.fromEntries(Object.entries(sources).map(([directive, values]) => [directive, [...values]]));
}
