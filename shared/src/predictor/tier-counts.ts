import { READ_OUTCOMES, type ReadOutcome, type TierStats } from './reader-stats';

/** Upper bounds in microseconds. */
const BOUNDS_US = [
  ...[1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000],
  ...[1_000_000, 2_500_000, Number.POSITIVE_INFINITY],
];

/** Counts of one model and one tier: plain numbers, because one goes up with each prediction. */
export class TierCounts {
  hit = 0;
  miss = 0;
  error = 0;
  corrupt = 0;
  skipped = 0;
  stale = 0;
  private readonly latency: number[] = BOUNDS_US.map(() => 0);

  took(ms: number): void {
    const us = ms * 1_000;
    let i = 0;
    while (us > (BOUNDS_US[i] as number)) i++;
    (this.latency[i] as number)++;
  }

  /** Whether anything was read. */
  get any(): boolean {
    return READ_OUTCOMES.some((outcome: ReadOutcome) => this[outcome] > 0);
  }

  stats(): TierStats {
    const { hit, miss, error, corrupt, skipped, stale } = this;
    const latency = BOUNDS_US.map((atMostUs, i) => ({ atMostUs, count: this.latency[i] ?? 0 }));
    return { hit, miss, error, corrupt, skipped, stale, latency };
  }
}
