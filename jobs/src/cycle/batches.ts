import { slices } from '#shared/cache/slices';
import { ROWS_PER_STATEMENT } from '#shared/store/row-store';

/** Batches to a cycle: enough to keep every process busy to the end, few enough for the queue to cost nothing. */
const BATCHES = 20;
const MIN_CATEGORIES = 64;
const MAX_CATEGORIES = 512;
/** For models so quick that the queue would cost more than the inference. */
const MAX_QUICK_CATEGORIES = 2_048;
/** A batch costs about 10 ms of work beside its inference, of all processes together. */
const MIN_MS = 100;
/** Batches to the cycle of a quick model: fewer would not keep the processes of a machine busy to the end. */
const FEWEST_BATCHES = 8;
/** A batch that takes longer is long to wait for when it is handed back, killed or computed again. */
const MAX_MS = 2_000;
/** What a batch holds in memory at once, for models with large rows. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface BatchGround {
  /** How many. */
  readonly categories: number;
  readonly rowBytes: number;
  /** Milliseconds that the inference of a row takes. */
  readonly rowMs: number;
}

/**
 * Categories to a batch: a twentieth of the grid, 64 to 512; more, up to 2,048 and an eighth of the grid, where that takes less than
 * 100 ms; and no more than 2 s of inference and 64 MiB of rows. Sizes from 256 on fill the statements that write them to Postgres.
 */
export function batchSize({ categories, rowBytes, rowMs }: BatchGround, configured: number | 'auto'): number {
  if (configured !== 'auto') return configured;
  const share = Math.ceil(categories / BATCHES);
  const quick = Math.min(Math.ceil(categories / FEWEST_BATCHES), MAX_QUICK_CATEGORIES, Math.ceil(MIN_MS / rowMs));
  const bounded = Math.max(Math.min(MAX_CATEGORIES, Math.max(MIN_CATEGORIES, share)), quick);
  const whole = bounded < ROWS_PER_STATEMENT ? bounded : Math.ceil(bounded / ROWS_PER_STATEMENT) * ROWS_PER_STATEMENT;
  return Math.max(1, Math.min(whole, Math.floor(MAX_MS / rowMs), Math.floor(MAX_BYTES / rowBytes)));
}

/** Every category once, in their order. */
export function planBatches(categories: readonly string[], size: number): string[][] {
  return [...slices(categories, size)];
}
