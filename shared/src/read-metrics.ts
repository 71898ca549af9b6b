import { Counter, Gauge, type Registry } from 'prom-client';
import { READ_OUTCOMES, type ReaderStats, type TierStats } from './predictor/reader-stats';

/** What a reader of predictions has counted, as metrics: read at each scrape, kept by the reader. */
export function showReads(registry: Registry, stats: () => ReaderStats): void {
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: () => Counts<L>,
  ): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, count] of read()) this.inc(labels, count);
      },
    });
  };
  counter('forewarm_reads_total', READS, ['model', 'tier', 'outcome'], () =>
    byTier(stats()).flatMap(([where, tier]) => READ_OUTCOMES.map((outcome) => [{ ...where, outcome }, tier[outcome]])),
  );
  counter('forewarm_stale_reads_total', STALE, ['model', 'tier'], () =>
    byTier(stats()).map(([where, tier]) => [where, tier.stale]),
  );
  counter('forewarm_read_duration_seconds_bucket', DURATION, ['model', 'tier', 'le'], () =>
    byTier(stats()).flatMap(([where, tier]) => buckets(tier).map(([le, count]) => [{ ...where, le }, count])),
  );
  counter('forewarm_failed_reads_total', 'Reads that no tier could answer.', [], () => [[{}, stats().failedCalls]]);
  counter('forewarm_rows_written_back_total', WRITTEN, [], () => [[{}, stats().writtenBack]]);
  new Gauge({
    name: 'forewarm_reader_tier_resting',
    help: '1 for a tier that is left alone for a moment because it failed several times in a row (its circuit breaker is open), 0 for one that is asked.',
    labelNames: ['model', 'tier'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, tier, resting } of stats().breakers) this.set({ model, tier }, resting ? 1 : 0);
    },
  });
  gauge(registry, 'forewarm_reader_memory_rows', 'Rows in the memory of the reader.', () => stats().memory.rows);
  gauge(registry, 'forewarm_reader_memory_bytes', 'What they take.', () => stats().memory.bytes);
}

const READS =
  'Reads by model, tier and outcome: hit, miss, error, corrupt, or skipped because the tier had failed a moment ago.';
const STALE = 'Hits whose answer was stale, by model and tier.';
const DURATION =
  'Reads by model, tier and how long they took at most, added up for histogram_quantile. Of memory, every 64th.';
const WRITTEN = 'Rows that were written to a tier above the one that had them.';

type Counts<L extends string> = readonly (readonly [Partial<Record<L, string>>, number])[];

function byTier({ models }: ReaderStats): (readonly [{ readonly model: string; readonly tier: string }, TierStats])[] {
  return Object.entries(models).flatMap(([model, tiers]) =>
    Object.entries(tiers).map(([tier, counts]) => [{ model, tier }, counts] as const),
  );
}

/** Each with all that took less; the last has no bound. */
function buckets({ latency }: TierStats): [le: string, count: number][] {
  let total = 0;
  const bounded = latency.map(({ atMostUs, count }): [string, number] => {
    total += count;
    return [Number.isFinite(atMostUs) ? String(atMostUs / 1e6) : '+Inf', total];
  });
  return bounded.at(-1)?.[0] === '+Inf' ? bounded : [...bounded, ['+Inf', total]];
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
