import { type Axis, cellCount } from '../cache/grid';
import { rowByteLength } from '../cache/row';

/** How large a grid is, and what it costs to keep. */
export interface GridSize {
  /** One per category. */
  readonly rows: number;
  /** Of one row. */
  readonly cells: number;
  /** Rows times cells: the questions that can be asked. */
  readonly predictions: number;
  readonly rowBytes: number;
  /** All rows, without what a store adds. */
  readonly gridBytes: number;
  /** Estimate of what one generation takes in Redis. */
  readonly redisBytes: number;
}

export interface GridShape {
  readonly axes: readonly Axis[];
  /** How many. */
  readonly categories: number;
  /** Bytes of the names of all categories together; without it, 16 each are assumed. */
  readonly categoryBytes?: number;
  /** Values of one cell. */
  readonly outputs: number;
}

/** Dictionary entry, key header and allocator rounding of one key; and the same of one member of the index. */
const KEY_OVERHEAD_BYTES = 100;
const INDEX_OVERHEAD_BYTES = 48;
const ASSUMED_NAME_BYTES = 16;

/** For connections, and for rows on their way in. */
const CACHE_RESERVE_BYTES = 16 * 1024 * 1024;

/** What `maxmemory` of a cache Redis must allow for: of each model the live generation and the one before. An estimate. */
export function cacheBytes(grids: readonly GridSize[]): number {
  return grids.reduce((bytes, grid) => bytes + 2 * grid.redisBytes, CACHE_RESERVE_BYTES);
}

export function gridSize({ axes, categories, categoryBytes, outputs }: GridShape): GridSize {
  const cells = cellCount(axes);
  const rowBytes = rowByteLength({ cells, outputs });
  const gridBytes = categories * rowBytes;
  const nameBytes = categoryBytes ?? categories * ASSUMED_NAME_BYTES;
  const redisBytes = gridBytes + categories * (KEY_OVERHEAD_BYTES + INDEX_OVERHEAD_BYTES) + 2 * nameBytes;
  return { rows: categories, cells, predictions: categories * cells, rowBytes, gridBytes, redisBytes };
}
