import { createHash } from 'node:crypto';

const known = new WeakMap<readonly string[], string>();

/** Tells lists of categories apart: 16 hexadecimal digits over all of them in their order. Remembered per list. */
export function categoriesHash(categories: readonly string[]): string {
  let hash = known.get(categories);
  if (hash === undefined) {
    const digest = createHash('sha256');
    for (const category of categories) digest.update(`${category}\0`);
    hash = digest.digest('hex').slice(0, 16);
    known.set(categories, hash);
  }
  return hash;
}
