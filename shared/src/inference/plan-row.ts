/** What becomes of one row in a batch. Pure. */
export type RowAction = 'keep' | 'restore' | 'compute';

/** A copy of a row in the cache or in Postgres. */
export interface RowCopy {
  /** Whether it passes its magic, length, identity and checksum. */
  readonly whole: boolean;
  /** Milliseconds since 1970 UTC; of no meaning when it is not whole. */
  readonly computedAtMs: number;
  /** Hash of the inputs that it was computed from, where one was kept. */
  readonly inputs: Uint8Array | undefined;
}

/** What a copy must be to be served on. */
export interface RowDemands {
  /** Hash of the category's inputs now; `undefined` when they are not tracked: then any copy of the generation will do. */
  readonly inputs: Uint8Array | undefined;
  /** Age from which a row is computed anew, whatever it holds; `undefined` means never. */
  readonly maxAgeMs: number | undefined;
  readonly nowMs: number;
}

/**
 * Keeps a good row, restores one whose copy in Postgres is good, and has the others computed. A row from far in the future, which
 * a clock that was wrong has left, is as old as one from far in the past.
 * @param cached the row in the cache, `undefined` when it is missing there
 * @param stored its copy in Postgres, `undefined` when there is none, or Postgres is away
 */
export function planRow(cached: RowCopy | undefined, stored: RowCopy | undefined, demands: RowDemands): RowAction {
  if (isGood(cached, demands)) return 'keep';
  return isGood(stored, demands) ? 'restore' : 'compute';
}

/** Whether a copy meets the demands. */
export function isGood(copy: RowCopy | undefined, { inputs, maxAgeMs, nowMs }: RowDemands): boolean {
  if (copy === undefined || !copy.whole) return false;
  if (inputs !== undefined && !sameHash(copy.inputs, inputs)) return false;
  return maxAgeMs === undefined || Math.abs(nowMs - copy.computedAtMs) <= maxAgeMs;
}

function sameHash(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
