import { type Attributes, type Context, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { READ_OUTCOMES, type ReadOutcome } from '#shared/predictor/reader-stats';
import type { TriedTier } from '#shared/predictor/tried-tier';
import type { TierName } from '#shared/tiers/tier-name';
import type { SpanClock } from './span-clock';

interface TierTime {
  readonly beganMs: number;
  endedMs: number;
  /** Rows by what came of them. */
  readonly rows: Partial<Record<ReadOutcome, number>>;
  code: string | undefined;
}

/** What the tiers of one call came to, and when. A tier is asked when the one above it has answered, or when the call began. */
export class TierTimes {
  private readonly clock: SpanClock;
  private readonly tiers = new Map<TierName, TierTime>();
  private lastMs: number;

  constructor(clock: SpanClock) {
    this.clock = clock;
    this.lastMs = clock.beganMs;
  }

  tried({ tier, outcome, code }: TriedTier): void {
    const now = this.clock.now();
    let time = this.tiers.get(tier);
    if (time === undefined) {
      time = { beganMs: this.lastMs, endedMs: now, rows: {}, code: undefined };
      this.tiers.set(tier, time);
    }
    time.endedMs = now;
    time.rows[outcome] = (time.rows[outcome] ?? 0) + 1;
    time.code ??= code;
    this.lastMs = now;
  }

  addSpans(tracer: Tracer, within: Context): void {
    for (const [tier, time] of this.tiers) {
      const attributes = { 'forewarm.tier': tier, ...outcomeOf(time) };
      const span = tracer.startSpan(`forewarm.read.${tier}`, { startTime: time.beganMs, attributes }, within);
      if (time.code !== undefined) {
        span.setAttribute('error.type', time.code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: time.code });
      }
      span.end(time.endedMs);
    }
  }
}

/** Of many rows the worst that came of them, beside how many of each. */
function outcomeOf({ rows }: TierTime): Attributes {
  const seen = WORST_FIRST.filter((outcome) => rows[outcome] !== undefined);
  const counts = READ_OUTCOMES.filter((outcome) => rows[outcome] !== undefined).map((outcome) => [
    `forewarm.rows.${outcome}`,
    rows[outcome],
  ]);
  return { 'forewarm.outcome': seen[0], ...Object.fromEntries(counts) };
}

const WORST_FIRST: readonly ReadOutcome[] = ['error', 'corrupt', 'skipped', 'miss', 'hit'];
