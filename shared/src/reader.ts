/**
 * The package's main entry, for applications: reading predictions. It loads neither onnxruntime nor bullmq; a test holds
 * that.
 */

export * from './cache/format';
export type { ErrorCode } from './errors';
export { ForewarmError } from './errors';
export type { Answer, Provenance, ReaderOptions, RowAnswer } from './tiers/redis-reader';
export { RedisReader } from './tiers/redis-reader';
