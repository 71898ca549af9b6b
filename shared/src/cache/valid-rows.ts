import type { Redis } from 'ioredis';
import { asking } from '../connections/redis';
import type { KeySpace } from './keys';
import { decodeRow, type RowFrame } from './row';
import { slices } from './slices';

/** Bytes of rows to one `MGET`: what is held at once to look at it. */
const SLICE_BYTES = 1024 * 1024;

/**
 * Those of `categories` whose row in the cache is whole and of this generation.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function validRows(
  redis: Redis,
  keys: KeySpace,
  generation: string,
  frame: RowFrame,
  categories: readonly string[],
): Promise<Set<string>> {
  const valid = new Set<string>();
  const perSlice = Math.max(1, Math.floor(SLICE_BYTES / (4 * frame.cells * frame.outputs)));
  for (const slice of slices(categories, perSlice)) {
    const names = slice.map((category) => keys.row(generation, category));
    const found = await asking(`reading rows of ${keys.root}`, redis.mgetBuffer(...names));
    slice.forEach((category, i) => {
      const bytes = found[i];
      if (bytes != null && decodeRow(bytes, frame).ok) valid.add(category);
    });
  }
  return valid;
}
