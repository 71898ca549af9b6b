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

export function settingsOf(
  file: ModelFile | undefined,
  options: Pick<PredictorOptions, 'staleAfterMs' | 'unknownCategories'>,
): ViewSettings {
  return {
    staleAfterMs: file?.staleAfterMs ?? options.staleAfterMs ?? STALE_AFTER_MS,
    unknownCategories: file?.unknownCategories ?? options.unknownCategories ?? 'compute',
    categories: file?.categories && new Set(file.categories),
    hasFile: file !== undefined,
  };
}
