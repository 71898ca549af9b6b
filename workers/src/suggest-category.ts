import { nearest } from '#shared/config/suggest';
import type { ModelConfig } from '#shared/config/types';
import { ERROR_CATALOGUE, ForewarmError } from '#shared/errors';

/** FW_CATEGORY_UNKNOWN with the nearest category that is configured, or why it is not there; any other error as it is. */
export function suggestCategory(error: unknown, model: ModelConfig, wanted: readonly string[]): unknown {
  if (!(error instanceof ForewarmError) || error.code !== 'FW_CATEGORY_UNKNOWN') return error;
  const unknown = wanted.find((category) => !model.categories.includes(category));
  // A row that Redis has lost comes with advice of its own.
  if (unknown === undefined && error.next === ERROR_CATALOGUE.FW_CATEGORY_UNKNOWN.next) {
    const next = 'It is configured, but has no row yet: `forewarm status` tells what the last cycles came to.';
    return new ForewarmError(error.code, error.message, { next });
  }
  const close = unknown === undefined ? undefined : nearest(unknown, model.categories);
  if (close === undefined) return error;
  return new ForewarmError(error.code, error.message, { next: `Did you mean ${JSON.stringify(close)}?` });
}
