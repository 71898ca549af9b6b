import { slices } from '#shared/cache/slices';

/** Batches to a cycle: enough to keep every process busy to the end, few enough for the queue to cost nothing. */
const BATCHES = 20;
const MIN_CATEGORIES = 64;
const MAX_CATEGORIES = 512;
/** What a batch holds in memory at once, for models with large rows. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Categories to a batch: a twentieth of the grid, 64 to 512, and no more than 64 MiB of rows. */
export function batchSize(categories: number, rowBytes: number, configured: number | 'auto'): number {
  if (configured !== 'auto') return configured;
  const share = Math.ceil(categories / BATCHES);
  const bounded = Math.min(MAX_CATEGORIES, Math.max(MIN_CATEGORIES, share));
  return Math.max(1, Math.min(bounded, Math.floor(MAX_BYTES / rowBytes)));
}

/** Every category once, in their order. */
export function planBatches(categories: readonly string[], size: number): string[][] {
  return [...slices(categories, size)];
}
