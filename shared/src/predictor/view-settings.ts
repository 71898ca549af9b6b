import type { ModelFile, UnknownCategories } from '../tiers/model-source';
import type { PredictorOptions } from './predictor-options';

const STALE_AFTER_MS = 5 * 60_000;

/** What holds for the reads of one model. */
export interface ViewSettings {
  readonly staleAfterMs: number;
  readonly unknownCategories: UnknownCategories;
  /** The categories that are warmed; `undefined` where only the stores know. */
  readonly categories: ReadonlySet<string> | undefined;
  /** Whether the model tier has a file of it. */
  readonly hasFile: boolean;
}

/** A set stays itself: it may change. */
export function asSet(categories: readonly string[] | ReadonlySet<string>): ReadonlySet<string> {
  return categories instanceof Set ? categories : new Set(categories);
}

export function settingsOf(
  file: ModelFile | undefined,
  options: Pick<PredictorOptions, 'staleAfterMs' | 'unknownCategories'>,
): ViewSettings {
  return {
    staleAfterMs: file?.staleAfterMs ?? options.staleAfterMs ?? STALE_AFTER_MS,
    unknownCategories: file?.unknownCategories ?? options.unknownCategories ?? 'compute',
    categories: file?.categories && asSet(file.categories),
    hasFile: file !== undefined,
  };
}
