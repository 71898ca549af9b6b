import type { BatchTimings } from './protocol';

/** What a batch spends its time with, in its order; it writes to Redis and Postgres beside the inference of what comes after. */
export const STAGES = {
  load: 'loadMs',
  read: 'readMs',
  features: 'featuresMs',
  infer: 'inferMs',
  pack: 'packMs',
  redis: 'redisMs',
  postgres: 'postgresMs',
} as const satisfies Record<string, keyof BatchTimings>;
export type Stage = keyof typeof STAGES;

/** Milliseconds that some batches spent in each stage together: they run side by side, so all of it is more than their cycle took. */
export function stageSums(timed: readonly BatchTimings[]): { readonly stage: Stage; readonly ms: number }[] {
  return Object.entries(STAGES).map(([stage, key]) => ({
    stage: stage as Stage,
    ms: timed.reduce((sum, timings) => sum + timings[key], 0),
  }));
}
