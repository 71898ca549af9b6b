import { type Stage, stageSums } from '#shared/inference/stages';
import type { BatchRecord } from '#shared/store/history-store';

export interface StageTime {
  readonly stage: Stage;
  /** Over all batches: they run side by side, so the sum of all stages is more than the cycle took. */
  readonly ms: number;
  /** Of all stages, 0 to 1. */
  readonly share: number;
}

/** How long the batches of a cycle spent in each stage; none when no batch has timings. */
export function stageTimes(batches: readonly Pick<BatchRecord, 'timings'>[]): StageTime[] {
  const timed = batches.flatMap(({ timings }) => timings ?? []);
  if (timed.length === 0) return [];
  const sums = stageSums(timed);
  const total = sums.reduce((sum, { ms }) => sum + ms, 0);
  return sums.map((sum) => ({ ...sum, share: total === 0 ? 0 : sum.ms / total }));
}

/** How long one batch took in all; `undefined` when it has no timings. */
export function batchTime({ timings }: Pick<BatchRecord, 'timings'>): number | undefined {
  return timings?.wallMs;
}
