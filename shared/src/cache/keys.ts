/** The key space of the cache Redis: every key of one model, in one place. Format: `docs/cache-format.md`. */
export class KeySpace {
  /** What all keys of the model begin with, without the last colon. */
  readonly root: string;

  /** @param prefix the deployment's key prefix, `forewarm` by default; @param model the model's name */
  constructor(prefix: string, model: string) {
    this.root = `${prefix}:${model}`;
  }

  /** The one pointer that readers follow. */
  get live(): string {
    return `${this.root}:live`;
  }

  get metadata(): string {
    return `${this.root}:metadata`;
  }

  /** Pub/sub channel. */
  get events(): string {
    return `${this.root}:events`;
  }

  /** Hash of what applications have read, as far as they report it: `redis:hit` to its count. */
  get reads(): string {
    return `${this.root}:reads`;
  }

  /** Lease of whoever restores a backup of the model. */
  get restoring(): string {
    return `${this.root}:restoring`;
  }

  row(generation: string, category: string): string {
    return `${this.root}:${generation}:row:${category}`;
  }

  /** Set of the categories that have a row in the generation. */
  index(generation: string): string {
    return `${this.root}:${generation}:index`;
  }

  /** Hash of category to the hash of its inputs; only with `refresh: changed`. */
  inputs(generation: string): string {
    return `${this.root}:${generation}:inputs`;
  }

  /** Held, with an expiry, by the one who computes a missing row for readers. */
  flight(generation: string, category: string): string {
    return `${this.root}:${generation}:flight:${category}`;
  }
}

export const CATEGORY_MAX_BYTES = 512;

/**
 * Why a string cannot be a category, or `undefined` when it can. A category is any UTF-8 text of 1 to 512 bytes without
 * U+0000, which PostgreSQL's text cannot hold.
 */
export function categoryFault(category: string): string | undefined {
  if (category === '') return 'is empty';
  if (/\p{Surrogate}/u.test(category)) return 'holds a lone surrogate and is no valid Unicode';
  if (category.includes('\0')) return 'holds the character U+0000';
  const bytes = Buffer.byteLength(category, 'utf8');
  return bytes > CATEGORY_MAX_BYTES ? `is ${bytes} bytes long, ${CATEGORY_MAX_BYTES} at most are allowed` : undefined;
}
