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
  TierName,
} from './tiers/answers';
export { Predictor } from './tiers/predictor';
export type { MemoryOptions, ModelFile, PredictorOptions, UnknownCategories } from './tiers/predictor-options';
export type { ReaderStats, ReadOutcome, TierStats } from './tiers/reader-stats';
