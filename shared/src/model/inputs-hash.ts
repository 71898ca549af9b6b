import { createHash } from 'node:crypto';

/** Bytes of an inputs hash, as the cache format has it. */
export const INPUTS_HASH_BYTES = 8;

/**
 * Tells whether the inputs of a category are those of its row: the first 8 bytes of the SHA-256 over all that reaches the model
 * for this category and is not in the generation's identity already.
 */
export function inputsHash(category: string): Buffer {
  return createHash('sha256').update(category).digest().subarray(0, INPUTS_HASH_BYTES);
}
