import helmet from '@fastify/helmet';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { isLoopback } from '#shared/config/listen';
import { requireLoopbackName } from '../cross-site';
import { securityHeaders } from '../security-headers';
import { requireToken } from '../tokens';
import type { ApiParts } from './parts';

/** The page's own scripts and styles; its styles are set by scripts as well. It asks the API of this listener alone. */
const SOURCES = {
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
};

/** In place of the library's own. */
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><text x="0" y="28" fill="#fff" font-family="sans-serif" ' +
  'font-size="24" font-weight="600">Forewarm</text></svg>';

const CONFIGURATION = { tryItOutEnabled: true, validatorUrl: null, deepLinking: true } as const;

/** The document of the API at `/openapi.json`, and a page at `/docs` that shows it and asks questions. */
export async function pages(scope: FastifyInstance, { context, tokens, operatorsOnly }: ApiParts): Promise<void> {
  if (operatorsOnly) requireToken(scope, tokens);
  if (isLoopback(context.config.http.host)) {
    scope.addHook('onRequest', async ({ headers }) => requireLoopbackName(headers.host));
  }
  scope.get('/openapi.json', { schema: { hide: true } as object }, () => scope.swagger());
  await scope.register(helmet, securityHeaders(SOURCES));
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: CONFIGURATION,
    theme: { title: 'Forewarm' },
    logo: { type: 'image/svg+xml', content: LOGO },
  });
}
