import { createHash } from 'node:crypto';
import { clockValue } from './clock-values';
import { columnsOf, type ModelSpec, type RowInputs } from './spec';

/** Bytes of an inputs hash, as the cache format has it. */
export const INPUTS_HASH_BYTES = 8;

/**
 * Tells whether the inputs of a category are those of its row: the first 8 bytes of the SHA-256 over all that reaches the model
 * for this category and is not in the generation's identity already.
 */
export function inputsHash(category: string, more = ''): Buffer {
  return createHash('sha256').update(category).update(more).digest().subarray(0, INPUTS_HASH_BYTES);
}

/** Whether inputs of the model take what they hold from the clock. */
export function usesClock({ inputs }: Pick<ModelSpec, 'inputs'>): boolean {
  return Object.values(inputs)
    .flatMap(columnsOf)
    .some(({ from }) => from === 'clock');
}

/** The hash of each category's inputs in a cycle: what the clock gave is among them, and so are its features. */
export function inputsHasher(
  inputs: ModelSpec['inputs'],
  { clockMs, features }: RowInputs,
): (category: string) => Buffer {
  const clock = Object.values(inputs)
    .flatMap(columnsOf)
    .flatMap((source) => (source.from === 'clock' ? [clockValue(source.field, source.timezone, clockMs)] : []));
  // No category holds U+0000: what follows it is none.
  if (features !== undefined) {
    return (category) => inputsHash(category, `\0${JSON.stringify([clock, features.get(category) ?? null])}`);
  }
  const more = clock.length === 0 ? '' : `\0${JSON.stringify(clock)}`;
  return (category) => inputsHash(category, more);
}
