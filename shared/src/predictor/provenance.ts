import type { Row } from '../cache/row';
import { RowView } from '../cache/row';
import { isoTime } from '../tiers/iso-time';
import type { HeldRow } from '../tiers/memory-tier';
import type { LiveGeneration } from '../tiers/tier';
import type { TierName } from '../tiers/tier-name';
import type { Answer, Provenance } from './answers';
import type { ModelView } from './model-view';
import type { RowFlight } from './row-flight';

/** A row with all that answers say of it. */
export interface ReadRow {
  readonly row: Row;
  readonly tier: TierName;
  /** ISO 8601 UTC. */
  readonly computedAt: string;
}

export function readFlight({ row, tier }: RowFlight): ReadRow {
  if (row === undefined || tier === undefined) throw new TypeError('the flight has not landed');
  return { row, tier, computedAt: isoTime(row.computedAtMs) };
}

export function readHeld(held: HeldRow): ReadRow {
  held.used = true;
  return held;
}

/** The answer for one cell of a row. */
export function answerOf(view: ModelView, live: LiveGeneration, read: ReadRow, cell: number, nowMs: number): Answer {
  const { row, tier, computedAt } = read;
  const { computedAtMs } = row;
  return {
    values: valuesOf(live.outputs, row, cell),
    tier,
    generation: live.generation,
    modelVersion: live.modelVersion,
    computedAt,
    ageMs: Math.max(0, nowMs - computedAtMs),
    stale: isStale(view, tier, computedAtMs, nowMs),
  };
}

export function provenanceOf(view: ModelView, live: LiveGeneration, read: ReadRow, nowMs: number): Provenance {
  const { values: _, ...provenance } = answerOf(view, live, read, 0, nowMs);
  return provenance;
}

function valuesOf(outputs: readonly string[], row: Row, cell: number): Record<string, number> {
  const first = cell * outputs.length;
  if (outputs.length === 1) return { [outputs[0] as string]: valueAt(row, first) };
  return Object.fromEntries(outputs.map((name, k) => [name, valueAt(row, first + k)]));
}

function valueAt(row: Row, position: number): number {
  return row instanceof RowView ? row.value(position) : (row.values[position] as number);
}

/** Neither computed nor verified for too long; such answers are counted. */
function isStale(view: ModelView, tier: TierName, computedAtMs: number, nowMs: number): boolean {
  const stale = nowMs - Math.max(computedAtMs, view.verifiedAtMs) > view.settings.staleAfterMs;
  if (stale) view.counts[tier].stale++;
  return stale;
}
