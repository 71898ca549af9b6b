import { existsSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { JobContext } from '#jobs/context';
import { registry } from '#jobs/registry';
import { steadyClock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import { redisState } from '#shared/connections/redis-state';
import { InferencePool } from '#shared/inference/inference-pool';
import { type Service, ServiceGroup } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import { Metrics } from '#shared/metrics';
import { RepeatedErrors } from '#shared/repeated-errors';
import { CycleLogStore } from '#shared/store/cycle-log-store';
import { tapped } from '#shared/tapped-logger';
import { Alerting } from './alerts/alerting';
import { ApiRole } from './api-role';
import { Connections } from './connections';
import { CycleLog } from './cycle-log';
import { HttpListener, type Readiness } from './http/listener';
import { jobContext } from './job-context';
import { MissingListener } from './missing-listener';
import { checkModels, startsWithoutFile, type TriedModel, warningsOf } from './models-check';
import { ParallelServices } from './parallel-services';
import { QueueTrouble } from './queue-trouble';
import { QueueWorker } from './queue-worker';
import { answersOnly } from './roles';
import { Scheduler } from './scheduler';
import { SchemaService } from './schema-service';
import { Tracing } from './tracing/tracing';
import { BacklogWatch } from './watchdog/backlog-watch';
import { CoverageWatch } from './watchdog/coverage-watch';
import { CycleWatch } from './watchdog/cycle-watch';
import { QueuesWatch } from './watchdog/queues-watch';
import { ReadsWatch } from './watchdog/reads-watch';
import { RecordsWatch } from './watchdog/records-watch';
import { ScheduleWatch } from './watchdog/schedule-watch';
import { Watchdog, type Watched } from './watchdog/watchdog';

const DASHBOARD_PATH = '/queues';
const DOCS_PATH = '/docs';

export interface DaemonOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Environment of the inference processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The daemon: an ordered list of services. Started first to last, stopped last to first. */
export class Daemon implements Service {
  readonly name = 'daemon';
  readonly context: JobContext;
  readonly http: HttpListener;
  private readonly connections: Connections;
  private readonly schema: SchemaService;
  private readonly trouble: QueueTrouble;
  private readonly services: ServiceGroup;
  private readonly api: ApiRole | undefined;
  private tried: readonly TriedModel[] = [];
  private started = false;
  private stopping = false;

  constructor({ config, log: output, env }: DaemonOptions) {
    const cycleLog = new CycleLog(hostname());
    const log = tapped(output, (line) => cycleLog.hear(line));
    const errors = new RepeatedErrors(log, steadyClock);
    const metrics = new Metrics();
    const pool = makePool(config, env, metrics, errors);
    const tracing = new Tracing(env, errors);
    this.trouble = new QueueTrouble(errors, log);
    this.connections = new Connections(config, errors);
    const { queue, postgres } = this.connections;
    this.schema = new SchemaService(postgres, log, errors);
    this.http = new HttpListener(config, metrics, () => this.readiness(), log);
    this.context = jobContext({
      config,
      log,
      metrics,
      pool,
      connections: this.connections,
      errors,
      trouble: this.trouble,
      traces: tracing,
      env,
    });
    if (config.roles.includes('dashboard')) this.mountDashboard(queue);
    const parts = { context: this.context, env, http: this.http, connections: this.connections, tracing };
    this.api = config.roles.includes('api') ? new ApiRole({ ...parts, readiness: () => this.readiness() }) : undefined;
    const listening = [...(this.api === undefined ? [] : [this.api]), this.http, this.connections];
    const queues = closing('queues', () => this.context.enqueue.close());
    cycleLog.writeTo(new CycleLogStore(postgres), errors);
    const coverage = new CoverageWatch(this.context);
    const alerting = new Alerting({
      context: this.context,
      connections: this.connections,
      trouble: this.trouble,
      counted: (model) => coverage.counted(model),
      stats: this.api && (() => (this.api as ApiRole).stats()),
    });
    // It begins before there is anything to look at, and ends while what it writes to is still there.
    const alertsEnd = closing('alerts', () => alerting.stop());
    const services = answersOnly(config)
      ? [tracing, alerting, ...listening, alertsEnd, queues]
      : [
          ...[tracing, alerting, pool, this.modelsCheck(config), ...listening, alertsEnd, this.schema, queues],
          cycleLog,
          ...this.warming(coverage),
        ];
    this.services = new ServiceGroup(this.name, services, ({ service, step, ms, error }) =>
      log.debug(`${service} ${step}`, { ms, ...(error ? { error: String(error) } : {}) }),
    );
  }

  async start(): Promise<void> {
    await this.services.start();
    this.started = !this.stopping;
    // Not before: a start that fails says one thing.
    const missing = this.context.config.models.filter(
      ({ name }) => !this.tried.some(({ model }) => model.name === name),
    );
    for (const { name, file } of answersOnly(this.context.config) ? [] : missing) {
      // What is wrong with its features is told by whoever reads them for a cycle.
      if (this.context.features.has(name) && existsSync(file)) continue;
      this.context.log.warn('the model file is missing: copies of its predictions are served until it is there', {
        model: name,
        file,
      });
    }
    for (const warning of this.tried.flatMap(warningsOf)) this.context.log.warn(warning);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.started = false;
    await this.services.stop();
  }

  /** The daemon's own connection to the cache. */
  get cacheClient(): Redis {
    return this.connections.cache;
  }

  /** Where the queues are shown; `undefined` without the role. Only while it runs. */
  get dashboardUrl(): string | undefined {
    return this.context.config.roles.includes('dashboard') ? `${this.http.url}${DASHBOARD_PATH}` : undefined;
  }

  /** Where a page shows what may be asked; `undefined` without the role. Only while it runs. */
  get docsUrl(): string | undefined {
    return this.api === undefined ? undefined : `${this.http.url}${DOCS_PATH}`;
  }

  private mountDashboard(connection: Redis): void {
    const showQueues = async (scope: FastifyInstance): Promise<void> => {
      // Loaded here and not above: the other roles do without it.
      const { dashboard } = await import('./dashboard/dashboard.js');
      await dashboard(scope, { registry, context: this.context, connection });
    };
    this.http.mount(DASHBOARD_PATH, showQueues, { operatorsOnly: true });
  }

  /** Whatever of the loop the roles of this daemon have to do with. */
  private warming(coverage: CoverageWatch): readonly Service[] {
    const { context, trouble } = this;
    const { config, metrics } = context;
    const { queue, queueWorkers, subscriber } = this.connections;
    const backlog = new BacklogWatch(context);
    const reads = new ReadsWatch(context);
    const watched = [
      new ScheduleWatch(registry, context, trouble),
      coverage,
      new CycleWatch(context),
      queueMemory(queue, metrics),
      new QueuesWatch(registry, context),
      backlog,
      reads,
      new RecordsWatch(context),
    ];
    const jobs = registry.definitions.filter((definition) => config.roles.includes(definition.role));
    const workers = jobs.map((definition) => new QueueWorker(definition, context, queueWorkers, trouble));
    const scheduling = [
      new MissingListener(context, subscriber, trouble, (model) => coverage.policy(model)),
      new Scheduler(registry, context, queue, trouble),
    ];
    return [
      closing('run history', () => backlog.end()),
      new ParallelServices('queue workers', workers),
      ...(config.roles.includes('scheduler') ? scheduling : []),
      new Watchdog('watchdog', config.watchdog.everyMs, trouble, watched),
    ];
  }

  private modelsCheck(config: Config): Service {
    return {
      name: 'models check',
      start: async () => {
        this.tried = await checkModels(config, this.context.models, {
          mayBeMissing: startsWithoutFile,
          sourcesMayFail: true,
        });
      },
      stop: async () => undefined,
    };
  }

  private async readiness(): Promise<Readiness> {
    const { queue, cache } = await this.connections.states();
    const { refusal } = this.trouble;
    const checks = {
      daemon: this.started ? 'started' : 'starting or stopping',
      'redis-queue': queue === 'ready' && refusal !== undefined ? `refuses writes: ${refusal}` : queue,
      'redis-cache': cache,
      // Beside the path: without it the daemon is degraded, not unready.
      schema: this.schema.ready ? 'ready' : 'waiting for PostgreSQL',
    };
    const warms = checks['redis-queue'] === 'ready' && checks['redis-cache'] === 'ready';
    if (this.api === undefined) return { ready: this.started && warms, checks };
    const { all, checks: models } = await this.api.answers();
    // Who only answers is well as long as there are answers, from wherever.
    const ready = this.started && (answersOnly(this.context.config) ? all : warms);
    return { ready, checks: { ...checks, ...models } };
  }
}

function makePool(config: Config, env: DaemonOptions['env'], metrics: Metrics, errors: RepeatedErrors): InferencePool {
  const { processes, timeLimitMs } = config.inference;
  // A scheduler alone inspects models and computes nothing.
  const wanted = processes === 'auto' ? availableParallelism() : processes;
  const pool = new InferencePool({
    processes: config.roles.includes('worker') ? wanted : 1,
    timeLimitMs,
    env,
    onProcessLost: (error) => {
      metrics.processesLost.inc({ code: error.code });
      errors.report('inference process lost; it is replaced', error, { code: error.code });
    },
  });
  metrics.showPool(() => pool.load());
  return pool;
}

function queueMemory(queue: Redis, metrics: Metrics): Watched {
  return { name: 'the memory of the queue', look: async () => metrics.redis('queue', await redisState(queue)) };
}

/** A service that has only an end. */
function closing(name: string, close: () => Promise<void>): Service {
  return { name, start: async () => undefined, stop: close };
}
