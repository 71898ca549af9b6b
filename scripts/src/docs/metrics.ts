import { Metrics } from '#shared/metrics';
import { table } from './table';

/** A metric as the page and other files name it. */
export interface NamedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Of the process itself: which there are depends on Node.js and the machine. */
const OF_PROCESS = /^forewarm_(process|nodejs)_/;

/** Every metric that Forewarm itself counts. */
export function namedMetrics(): NamedMetric[] {
  const metrics = new Metrics();
  metrics.showPool(() => ({ busy: 0, waiting: 0 }));
  metrics.showBacklog(() => 0);
  const memory = { rows: 0, bytes: 0 };
  metrics.showReads(() => ({ models: {}, failedCalls: 0, writtenBack: 0, breakers: [], memory }));
  const all = metrics.registry.getMetricsAsArray() as unknown as (Omit<NamedMetric, 'labels'> & {
    readonly labelNames: readonly string[];
  })[];
  return all
    .filter(({ name }) => !OF_PROCESS.test(name))
    .map(({ name, type, labelNames, help }) => ({ name, type, labels: labelNames, help }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `docs/metrics.md`, written from the metrics themselves. */
export function metricsReference(): string {
  const rows = namedMetrics().map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  return [INTRODUCTION, table(['Metric', 'Type', 'Labels', 'What it says'], rows), PROCESS].join('\n\n').concat('\n');
}

const INTRODUCTION = `# Metrics

<!-- Generated from shared/src/metrics.ts by ./scripts/docs. Do not edit: a test fails when they differ. -->

\`/metrics\` on the listener of every daemon, whatever its roles, in the text format of Prometheus. Names stay: one that goes, or comes to mean something else, is a
breaking change. Times are seconds and moments are seconds since 1970, sizes are bytes, and no label holds a category. An age is
\`time()\` minus a moment, such as \`time() - forewarm_last_updated_timestamp_seconds\`. Counts are of one daemon since its start: add up
those of all, with \`sum by (model) (rate(forewarm_cycles_total[5m]))\` or the like.`;

const PROCESS = `Beside these, \`forewarm_process_…\` and \`forewarm_nodejs_…\` are what prom-client says of the process: CPU, memory, file descriptors, the event loop, garbage
collection.

\`deploy/prometheus/forewarm.rules.yml\` has alerting rules on these, with unit tests beside it; load it with \`rule_files\` and mend its bounds to what your
models ask for. \`deploy/grafana/forewarm.json\` is a dashboard of them, to be imported into Grafana.`;
