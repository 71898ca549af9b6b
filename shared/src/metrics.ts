import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

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
  readonly rows = new Counter({
    name: 'forewarm_rows_total',
    help: 'Rows that cycles saw to, by model and what became of them.',
    labelNames: ['model', 'action'] as const,
    registers: [this.registry],
  });
  readonly lastUpdated = new Gauge({
    name: 'forewarm_last_updated_timestamp_seconds',
    help: 'When every row of the live generation was last computed or verified.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly modelBroken = new Gauge({
    name: 'forewarm_model_broken',
    help: '1 for a model that is left alone because its last tries failed, 0 for one that works.',
    labelNames: ['model'] as const,
    registers: [this.registry],
  });
  readonly processesLost = new Counter({
    name: 'forewarm_inference_processes_lost_total',
    help: 'Inference processes that died or were killed at their time limit.',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'forewarm_' });
  }

  /** Adds a gauge whose value is read at each scrape. */
  observe(name: string, help: string, read: () => number): void {
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
