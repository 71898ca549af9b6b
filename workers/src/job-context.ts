import { hostname } from 'node:os';
import { BackupTimes } from '#jobs/backup/backup-times';
import type { JobContext } from '#jobs/context';
import { BrokenModels } from '#jobs/cycle/broken-models';
import { CategorySources } from '#jobs/cycle/category-sources';
import { CopyDebts } from '#jobs/cycle/copy-debts';
import { CycleFuse } from '#jobs/cycle/cycle-fuse';
import { KeptFeatures } from '#jobs/cycle/kept-features';
import { ModelLoads } from '#jobs/cycle/model-loads';
import { PausedModels } from '#jobs/cycle/paused-models';
import { RunningCycles } from '#jobs/cycle/running-cycles';
import { Enqueuer } from '#jobs/enqueue';
import { registry } from '#jobs/registry';
import type { Traces } from '#jobs/traces';
import { BackupFolder } from '#shared/backup/backup-folder';
import { BackupRunner } from '#shared/backup/backup-runner';
import { ModelCache } from '#shared/cache/model-cache';
import { systemClock } from '#shared/clock';
import type { Config } from '#shared/config/types';
import { redisState } from '#shared/connections/redis-state';
import { FeatureSources } from '#shared/features/feature-sources';
import { inspectWith } from '#shared/features/inspect-with';
import type { InferencePool } from '#shared/inference/inference-pool';
import type { Logger } from '#shared/logger';
import type { Metrics } from '#shared/metrics';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import type { RepeatedErrors } from '#shared/repeated-errors';
import { AlertStore } from '#shared/store/alert-store';
import { BackupStore } from '#shared/store/backup-store';
import { CycleLogStore } from '#shared/store/cycle-log-store';
import { GenerationStore } from '#shared/store/generation-store';
import { HistoryBacklog } from '#shared/store/history-backlog';
import { HistoryStore } from '#shared/store/history-store';
import { ReportedAlerts } from '#shared/store/reported-alerts';
import { RowStore } from '#shared/store/row-store';
import { type Connections, requirePostgres } from './connections';
import type { QueueTrouble } from './queue-trouble';

export interface JobContextParts {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly pool: InferencePool;
  readonly connections: Connections;
  readonly errors: RepeatedErrors;
  readonly trouble: QueueTrouble;
  readonly traces: Traces;
  /** Environment of processes for backups. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the daemon gives its jobs to work with: what is kept in each store, over the daemon's own connections. */
export function jobContext(parts: JobContextParts): JobContext {
  const { config, log, metrics, pool, connections, errors, trouble, traces, env } = parts;
  const { cache, queue, postgres } = connections;
  const { url, connectTimeoutMs, statementTimeoutMs } = requirePostgres(config);
  const onError = (error: Error): void => trouble.report('queue', error);
  const enqueue = new Enqueuer(registry.definitions, queue, config.keyPrefix, onError, traces);
  const alertStore = new AlertStore(postgres);
  const kept = new KeptFeatures(queue, config.keyPrefix);
  const features = new FeatureSources(config.models, { database: () => url, kept });
  const models = new ModelCatalogue(
    config.models,
    inspectWith(features, (task) => pool.inspect(task)),
  );
  const caches = new Map(config.models.map(({ name }) => [name, new ModelCache(cache, config.keyPrefix, name)]));
  return {
    config,
    log,
    errors,
    metrics,
    pool,
    enqueue,
    traces,
    clock: systemClock,
    host: hostname(),
    models,
    sources: new CategorySources(models, config.limits, url),
    features,
    loads: new ModelLoads(models),
    targets: {
      keyPrefix: config.keyPrefix,
      cacheUrl: config.redis.cacheUrl,
      postgres: { url, connectTimeoutMs, statementTimeoutMs },
    },
    cacheState: () => redisState(cache),
    cache: (model) => caches.get(model) ?? new ModelCache(cache, config.keyPrefix, model),
    rows: new RowStore(postgres),
    generations: new GenerationStore(postgres),
    history: new HistoryStore(postgres),
    backlog: new HistoryBacklog(),
    cycles: new RunningCycles(queue, config.keyPrefix),
    paused: new PausedModels(queue, config.keyPrefix),
    debts: new CopyDebts(queue, config.keyPrefix),
    broken: new BrokenModels(queue, config.keyPrefix),
    fuse: new CycleFuse(queue, config.keyPrefix),
    alerts: new ReportedAlerts(alertStore),
    alertStore,
    cycleLogs: new CycleLogStore(postgres),
    backups: {
      folder: new BackupFolder(config.backup),
      runner: new BackupRunner(env),
      store: new BackupStore(postgres),
      times: new BackupTimes(queue, config.keyPrefix),
    },
  };
}
