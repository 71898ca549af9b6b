import type { BatchTimings } from '#shared/inference/protocol';
import type { BatchRecord } from '#shared/store/history-store';

/** What a batch spends its time with, in its order; it writes to Redis and Postgres beside the inference of what comes after. */
const STAGES = {
  load: 'loadMs',
  read: 'readMs',
  features: 'featuresMs',
  infer: 'inferMs',
  pack: 'packMs',
  redis: 'redisMs',
  postgres: 'postgresMs',
} as const satisfies Record<string, keyof BatchTimings>;

export interface StageTime {
  readonly stage: keyof typeof STAGES;
  /** Over all batches: they run side by side, so the sum of all stages is more than the cycle took. */
  readonly ms: number;
  /** Of all stages, 0 to 1. */
  readonly share: number;
}

/** How long the batches of a cycle spent in each stage; none when no batch has timings. */
export function stageTimes(batches: readonly Pick<BatchRecord, 'timings'>[]): StageTime[] {
  const timed = batches.flatMap(({ timings }) => timings ?? []);
  if (timed.length === 0) return [];
  const sums = Object.entries(STAGES).map(([stage, key]) => ({
    stage: stage as StageTime['stage'],
    ms: timed.reduce((sum, timings) => sum + timings[key], 0),
  }));
  const total = sums.reduce((sum, { ms }) => sum + ms, 0);
  return sums.map((sum) => ({ ...sum, share: total === 0 ? 0 : sum.ms / total }));
}

/** How long one batch took in all; `undefined` when it has no timings. */
export function batchTime({ timings }: Pick<BatchRecord, 'timings'>): number | undefined {
  return timings?.wallMs;
}
