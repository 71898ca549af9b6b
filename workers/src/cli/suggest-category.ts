import { nearest } from '#shared/config/suggest';
import type { ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';

/** FW_CATEGORY_UNKNOWN with the nearest category that is configured; any other error as it is. */
export function suggestCategory(error: unknown, model: ModelConfig, wanted: readonly string[]): unknown {
  if (!(error instanceof ForewarmError) || error.code !== 'FW_CATEGORY_UNKNOWN') return error;
  const unknown = wanted.find((category) => !model.categories.includes(category));
  const close = unknown === undefined ? undefined : nearest(unknown, model.categories);
  if (close === undefined) return error;
  return new ForewarmError(error.code, error.message, { next: `Did you mean ${JSON.stringify(close)}?` });
}
