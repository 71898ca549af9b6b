import type { FastifyInstance } from 'fastify';

/** Which methods each path takes, to tell a method that is wrong from a path that is not there. */
export class KnownRoutes {
  private readonly routes = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

  /** Add it before the routes. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.routes.get(url) ?? { path: patternOf(url), methods: new Set() };
      for (const one of [method].flat()) known.methods.add(one);
      this.routes.set(url, known);
    });
  }

  /** Methods that the path takes, in the order of the alphabet; none when it is not there. */
  methodsAt(path: string): string[] {
    const methods = [...this.routes.values()].flatMap((route) => (route.path.test(path) ? [...route.methods] : []));
    return [...new Set(methods)].sort();
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    return part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
