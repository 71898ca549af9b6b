import type { JobContext } from '#jobs/context';
import type { Service } from '#shared/lifecycle';
import type { Predictor } from '#shared/predictor/predictor';
import type { ReaderStats } from '#shared/predictor/reader-stats';
import { Answerable, type Answers } from './answerable';
import type { Connections } from './connections';
import type { HttpListener, Readiness } from './http/listener';
import { makeReader } from './reader';
import type { Tracing } from './tracing/tracing';

export interface ApiRoleParts {
  readonly context: JobContext;
  /** Of the processes that compute for readers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: HttpListener;
  readonly connections: Connections;
  readonly tracing: Tracing;
  readonly readiness: () => Promise<Readiness>;
}

/** The role `api`: the reader of predictions, and its routes on the daemon's listener. It is stopped after that. */
export class ApiRole implements Service {
  readonly name = 'api';
  private readonly predictor: Predictor;
  private readonly answerable: Answerable;

  constructor({ context, env, http, connections, tracing, readiness }: ApiRoleParts) {
    const { config, metrics, errors } = context;
    // Categories come and go while it runs.
    const models = config.models.map((model) => ({ ...model, categories: context.models.liveCategories(model.name) }));
    const predictor = makeReader(config, models, env, errors);
    const answerable = new Answerable(config, env, (model) => context.models.configured(model).categories[0]);
    this.predictor = predictor;
    this.answerable = answerable;
    metrics.showReads(() => predictor.stats());
    http.mount('', async (scope) => {
      // Loaded here and not above: the other roles do without it.
      const { api } = await import('./http/api/api.js');
      const { tokens, operatorsOnly } = http;
      const queueReady = () => connections.queue.status === 'ready';
      const reads = tracing.reads;
      reads?.follow(scope);
      const parts = {
        predictor: reads?.over(predictor) ?? predictor,
        answerable,
        context,
        tokens,
        operatorsOnly,
        readiness,
        queueReady,
      };
      await api(scope, { ...parts, environment: env });
    });
  }

  /** What its reader has counted. */
  stats(): ReaderStats {
    return this.predictor.stats();
  }

  /** Which tier answers for each model now. */
  answers(): Promise<Answers> {
    return this.answerable.look();
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await Promise.all([this.predictor.close(), this.answerable.close()]);
  }
}
