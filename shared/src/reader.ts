/**
 * The package's main entry, for applications: reading predictions. It loads neither onnxruntime nor bullmq; a test holds
 * that.
 */

export * from './cache/format';
export type { ErrorCode } from './errors';
export { ForewarmError } from './errors';
export type {
  Answer,
  CallOptions,
  ModelDescription,
  Outcome,
  Provenance,
  Question,
  RowAnswer,
  RowBytesAnswer,
} from './predictor/answers';
export { Predictor } from './predictor/predictor';
export type { MemoryOptions, PredictorOptions } from './predictor/predictor-options';
export type { ReaderStats, ReadOutcome, TierStats } from './predictor/reader-stats';
export type { TierListener, TriedTier } from './predictor/tried-tier';
export type { ModelFile, UnknownCategories } from './tiers/model-source';
export type { TierName } from './tiers/tier-name';
