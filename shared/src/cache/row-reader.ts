import type { Redis } from 'ioredis';
import { asking } from '../connections/redis';
import type { KeySpace } from './keys';
import { decodeRow, type RowFrame } from './row';
import { slices } from './slices';

/** A row as the cache has it, checked. */
export interface CachedRow {
  readonly bytes: Buffer;
  /** Whether it is whole and of the generation. */
  readonly whole: boolean;
  /** Milliseconds since 1970 UTC; 0 when it is not whole. */
  readonly computedAtMs: number;
  /** Hash of the inputs that it was computed from; `undefined` when none is kept, or none was asked for. */
  readonly inputs: Buffer | undefined;
}

export interface ReadOptions {
  readonly generation: string;
  /** What a row of the generation looks like. */
  readonly frame: RowFrame;
  /** Whether hashes of inputs are read too. */
  readonly inputs: boolean;
}

/** Bytes of rows to one `MGET`: what is held at once to look at it. */
const SLICE_BYTES = 1024 * 1024;
/** Keys to a round trip, whatever their size: more stall the loop. */
const SLICE_KEYS = 500;

/**
 * The rows of these categories as they are in the cache, by category, each checked in full; what is missing is left out.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function readRows(
  redis: Redis,
  keys: KeySpace,
  categories: readonly string[],
  { generation, frame, inputs }: ReadOptions,
): Promise<Map<string, CachedRow>> {
  const rows = new Map<string, CachedRow>();
  const perSlice = Math.min(SLICE_KEYS, Math.max(1, Math.floor(SLICE_BYTES / (4 * frame.cells * frame.outputs))));
  for (const slice of slices(categories, perSlice)) {
    const names = slice.map((category) => keys.row(generation, category));
    const [found, hashes] = await asking(
      `reading rows of ${keys.root}`,
      Promise.all([
        redis.mgetBuffer(...names),
        inputs ? redis.hmgetBuffer(keys.inputs(generation), ...slice) : ([] as (Buffer | null)[]),
      ]),
    );
    slice.forEach((category, i) => {
      const bytes = found[i];
      if (bytes == null) return;
      const decoded = decodeRow(bytes, frame);
      const computedAtMs = decoded.ok ? decoded.row.computedAtMs : 0;
      rows.set(category, { bytes, whole: decoded.ok, computedAtMs, inputs: hashes[i] ?? undefined });
    });
  }
  return rows;
}
