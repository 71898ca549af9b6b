import type { ModelCache } from '#shared/cache/model-cache';
import type { Clock } from '#shared/clock';
import type { Config, ModelConfig } from '#shared/config/types';
import type { RedisState } from '#shared/connections/redis-state';
import type { FeatureSources } from '#shared/features/feature-sources';
import type { InferencePool } from '#shared/inference/inference-pool';
import type { StoreTargets } from '#shared/inference/protocol';
import type { Logger } from '#shared/logger';
import type { Metrics } from '#shared/metrics';
import type { ModelCatalogue } from '#shared/model/model-catalogue';
import type { RepeatedErrors } from '#shared/repeated-errors';
import type { AlertStore } from '#shared/store/alert-store';
import type { CycleLogStore } from '#shared/store/cycle-log-store';
import type { GenerationStore } from '#shared/store/generation-store';
import type { HistoryBacklog } from '#shared/store/history-backlog';
import type { HistoryStore } from '#shared/store/history-store';
import type { ReportedAlerts } from '#shared/store/reported-alerts';
import type { RowStore } from '#shared/store/row-store';
import type { Backups } from './backup/backups';
import type { BrokenModels } from './cycle/broken-models';
import type { CategorySources } from './cycle/category-sources';
import type { CopyDebts } from './cycle/copy-debts';
import type { CycleFuse } from './cycle/cycle-fuse';
import type { ModelLoads } from './cycle/model-loads';
import type { PausedModels } from './cycle/paused-models';
import type { RunningCycles } from './cycle/running-cycles';
import type { Enqueuer } from './enqueue';
import type { Traces } from './traces';

/** All that a job may touch. */
export interface JobContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** For what fails beside the path, over and over while a server is away. */
  readonly errors: RepeatedErrors;
  readonly metrics: Metrics;
  /** Name of this machine, for the run history. */
  readonly host: string;
  readonly models: ModelCatalogue<ModelConfig>;
  readonly sources: CategorySources;
  readonly features: FeatureSources;
  readonly loads: ModelLoads;
  readonly pool: InferencePool;
  /** Where inference processes write. */
  readonly targets: StoreTargets;
  readonly cache: (model: string) => ModelCache;
  /** What the cache Redis says of itself. Throws FW_REDIS_UNAVAILABLE. */
  readonly cacheState: () => Promise<RedisState>;
  readonly rows: RowStore;
  readonly generations: GenerationStore;
  readonly history: HistoryStore;
  /** What could not be written to the history yet. */
  readonly backlog: HistoryBacklog;
  readonly cycles: RunningCycles;
  readonly paused: PausedModels;
  readonly debts: CopyDebts;
  readonly broken: BrokenModels;
  readonly fuse: CycleFuse;
  readonly backups: Backups;
  readonly alerts: ReportedAlerts;
  /** All alerts that are on record. */
  readonly alertStore: AlertStore;
  readonly cycleLogs: CycleLogStore;
  readonly enqueue: Enqueuer;
  readonly traces: Traces;
}
