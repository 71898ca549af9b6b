/** The grid of every suite: 7 days x 24 hours, and as many categories as asked. */
export const DAYS = 7;
export const HOURS = 24;
export const CELLS = DAYS * HOURS;

/** Rows of the grid to one call of the runtime. */
export const ROWS_PER_CALL = 16;

const CATEGORY_BYTES = 30;

/** Names of 30 bytes that are numbers too: the models take the category as one. */
export function categoryNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i + 1).padStart(CATEGORY_BYTES, '0'));
}
