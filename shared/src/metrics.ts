import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metadata } from './cache/pointer';
import type { RedisState } from './connections/redis-state';
import { stageSums } from './inference/stages';
import type { ReaderStats } from './predictor/reader-stats';
import { showReads } from './read-metrics';
import type { Alert } from './store/alert-store';
import type { NewestBackup } from './store/backup-store';
import type { BatchRecord } from './store/history-store';

/** The metrics of one daemon. Names begin with `forewarm_`, units are seconds and bytes; no label holds a category. */
export class Metrics {
  readonly registry = new Registry();

  readonly cycles = new Counter({
    name: 'forewarm_cycles_total',
    help: 'Cycles that ended, by model and state.',
    labelNames: ['model', 'state'] as const,
    registers: [this.registry],
  });
  readonly cycleDuration = new Histogram({
    name: 'forewarm_cycle_duration_seconds',
    help: 'From the plan of a cycle to its publishing.',
    labelNames: ['model'] as const,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80],
    registers: [this.registry],
  });
  readonly stageDuration = new Histogram({
    name: 'forewarm_cycle_stage_duration_seconds',
    help: 'What the batches of a cycle spent in each stage, added up: they run side by side, and write while they compute.',
    labelNames: ['model', 'stage'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80],
    registers: [this.registry],
  });
  readonly batches = new Counter({
    name: 'forewarm_batches_total',
    help: 'Batches of cycles that ended, by model and state.',
    labelNames: ['model', 'state'] as const,
    registers: [this.registry],
  });
  readonly rows = new Counter({
    name: 'forewarm_rows_total',
    help: 'Rows that cycles saw to, by model and what became of them.',
    labelNames: ['model', 'action'] as const,
    registers: [this.registry],
  });
  readonly rowsLost = new Counter({
    name: 'forewarm_rows_lost_total',
    help: 'Rows that the cache had lost (evicted, expired, deleted) and that a cycle wrote again.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly rowsPresent = new Gauge({
    name: 'forewarm_rows_present',
    help: 'Rows of the live generation that were in the cache at the last look.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly rowsExpected = new Gauge({
    name: 'forewarm_rows_expected',
    help: 'Rows that the live generation should have: one for each category.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly lastUpdated = new Gauge({
    name: 'forewarm_last_updated_timestamp_seconds',
    help: 'When every row of the live generation was last computed or verified.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly dataTime = new Gauge({
    name: 'forewarm_data_timestamp_seconds',
    help: 'The newest time in the features that cycles use, where their source gives one.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly modelBroken = new Gauge({
    name: 'forewarm_model_broken',
    help: '1 for a model that is left alone because its last tries failed, 0 for one that works.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly libraryReads = new Counter({
    name: 'forewarm_library_reads_total',
    help: 'Reads of applications that report them, by model, tier and outcome. Counted in the cache Redis, and lost with it.',
    labelNames: ['model', 'tier', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly alertsFiring = new Gauge({
    name: 'forewarm_alerts_firing',
    help: '1 for each alert that fires, by condition and model, told or not; the model is empty for one of the whole deployment or of a machine.',
    labelNames: ['condition', 'model'] as const,
    registers: [this.registry],
  });
  readonly backupTime = new Gauge({
    name: 'forewarm_backup_timestamp_seconds',
    help: 'When the newest complete and verified backup was begun, wherever it lies.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly backupBytes = new Gauge({
    name: 'forewarm_backup_size_bytes',
    help: 'Size of the file of the newest complete and verified backup.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly queueJobs = new Gauge({
    name: 'forewarm_queue_jobs',
    help: 'Jobs of each queue by what they are doing; completed and failed ones are those that are kept to be looked at.',
    labelNames: ['queue', 'state'] as const,
    registers: [this.registry],
  });
  readonly processesLost = new Counter({
    name: 'forewarm_inference_processes_lost_total',
    help: 'Inference processes that died or were killed at their time limit.',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });

  readonly redisUsed = new Gauge({
    name: 'forewarm_redis_used_memory_bytes',
    help: 'Memory in use by a Redis, by role.',
    labelNames: ['role'] as const,
    registers: [this.registry],
  });
  readonly redisMax = new Gauge({
    name: 'forewarm_redis_max_memory_bytes',
    help: 'The maxmemory of a Redis, by role; 0 is no limit.',
    labelNames: ['role'] as const,
    registers: [this.registry],
  });
  readonly redisEvicted = new Gauge({
    name: 'forewarm_redis_evicted_keys',
    help: 'Keys that a Redis has evicted since its start, by role, whoever they belonged to.',
    labelNames: ['role'] as const,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'forewarm_' });
  }

  /** Shows what a cycle wrote of a model. */
  metadata(model: string, { last_updated, rows, expected }: Metadata): void {
    this.lastUpdated.set({ model }, Date.parse(last_updated) / 1_000);
    this.rowsPresent.set({ model }, rows);
    this.rowsExpected.set({ model }, expected);
  }

  redis(role: 'cache' | 'queue', { usedBytes, maxBytes, evictedKeys }: RedisState): void {
    this.redisUsed.set({ role }, usedBytes);
    this.redisMax.set({ role }, maxBytes);
    this.redisEvicted.set({ role }, evictedKeys);
  }

  /** Adds what a reader of predictions has counted, as it is at each scrape. */
  showReads(stats: () => ReaderStats): void {
    showReads(this.registry, stats);
  }

  /** Shows the alerts that fire, as this daemon knows them. */
  alerts(firing: readonly Pick<Alert, 'condition' | 'model'>[]): void {
    this.alertsFiring.reset();
    for (const { condition, model } of firing) this.alertsFiring.set({ condition, model }, 1);
  }

  /** Shows the newest backups that are on record. */
  newestBackups(newest: readonly NewestBackup[]): void {
    this.backupTime.reset();
    this.backupBytes.reset();
    for (const { model, startedAt, bytes } of newest) {
      this.backupTime.set({ model }, startedAt.getTime() / 1_000);
      this.backupBytes.set({ model }, bytes);
    }
  }

  /** Adds what the inference processes do, as it is at each scrape. */
  showPool(load: () => { readonly busy: number; readonly waiting: number }): void {
    this.observe('forewarm_inference_busy', 'Inference processes at work.', () => load().busy);
    this.observe('forewarm_inference_waiting', 'Tasks that wait for a process.', () => load().waiting);
  }

  /** Adds how much of the run history could not be written yet, as it is at each scrape. */
  showBacklog(size: () => number): void {
    this.observe('forewarm_history_backlog', 'Cycles that wait to be recorded in the run history.', size);
  }

  /** What a cycle's batches came to. */
  cycleBatches(model: string, batches: readonly Pick<BatchRecord, 'state' | 'timings'>[]): void {
    for (const { state } of batches) this.batches.inc({ model, state });
    const timed = batches.flatMap(({ timings }) => timings ?? []);
    if (timed.length === 0) return;
    for (const { stage, ms } of stageSums(timed)) this.stageDuration.observe({ model, stage }, ms / 1_000);
  }

  private observe(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
