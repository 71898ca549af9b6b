import { quantile } from './statistics';

/** What became of the reads that began in one phase. */
export interface PhaseFigures {
  readonly phase: string;
  readonly reads: number;
  readonly failedReads: number;
  /** Answers that differ from direct inference. */
  readonly wrongReads: number;
  /** From when a read was due until its answer or its failure. */
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Answers by the tier that they came from. */
  readonly byTier: Readonly<Record<string, number>>;
  /** Failed reads by what was said. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of the first of them, all that was said. */
  readonly firstError?: string;
}

export class PhaseTally {
  private readonly phase: string;
  private readonly times: number[] = [];
  private readonly byTier: Record<string, number> = {};
  private readonly errors: Record<string, number> = {};
  private firstError: string | undefined;
  private failed = 0;
  private wrong = 0;

  constructor(phase: string) {
    this.phase = phase;
  }

  answered(ms: number, tier: string, right: boolean): void {
    this.times.push(ms);
    this.byTier[tier] = (this.byTier[tier] ?? 0) + 1;
    if (!right) this.wrong++;
  }

  failedWith(ms: number, what: string, message: string): void {
    this.firstError ??= `after ${Math.round(ms)} ms: ${message}`;
    this.times.push(ms);
    this.errors[what] = (this.errors[what] ?? 0) + 1;
    this.failed++;
  }

  get figures(): PhaseFigures {
    const { phase, times, failed, wrong, byTier, errors, firstError } = this;
    const of = (q: number): number => (times.length === 0 ? 0 : Number(quantile(times, q).toFixed(2)));
    return {
      ...{ phase, reads: times.length, failedReads: failed, wrongReads: wrong },
      ...{ p99Ms: of(0.99), maxMs: of(1), byTier, errors },
      ...(firstError !== undefined && { firstError }),
    };
  }
}
