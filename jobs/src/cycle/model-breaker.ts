import { z } from 'zod';
import type { ErrorCode } from '#shared/errors';
import type { BatchRecord, Trigger } from '#shared/store/history-store';
import { isOnDemand } from '../on-demand';

/**
 * When a model is left alone: after some tries in a row that brought no row, because it cannot be loaded, kills its process
 * or never ends. Pure; `BrokenModels` keeps the state.
 */

export const modelTries = z.object({
  /** What was tried: the file's bytes and the mapping. Another one has its own count. */
  subject: z.string(),
  /** Tries in a row that failed. */
  failures: z.int().positive(),
  /** Of the last one. */
  code: z.string(),
  reason: z.string(),
  /** ISO 8601 UTC; `null` while the model is only suspect. */
  brokenSince: z.iso.datetime().nullable(),
  /** Before this time no cycle of a broken model begins by itself. */
  nextTryAtMs: z.number(),
});
/** What is known of a model whose last tries failed. */
export type ModelTries = Readonly<z.infer<typeof modelTries>>;

export interface FailedTry {
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface BreakerPolicy {
  readonly brokenAfter: number;
  readonly everyMs: number;
}

/** A broken model is tried again after one more period, then two, four, eight, and so on up to this. */
const LONGEST_PAUSE_MS = 10 * 60_000;

/** The state after one more failure. */
export function afterFailure(
  before: ModelTries | undefined,
  subject: string,
  { code, reason }: FailedTry,
  { brokenAfter, everyMs }: BreakerPolicy,
  nowMs: number,
): ModelTries {
  const known = before?.subject === subject ? before : undefined;
  const failures = (known?.failures ?? 0) + 1;
  if (failures < brokenAfter) return { subject, failures, code, reason, brokenSince: null, nextTryAtMs: nowMs };
  const pauseMs = Math.min(LONGEST_PAUSE_MS, everyMs * 2 ** Math.min(failures - brokenAfter, 30));
  const brokenSince = known?.brokenSince ?? new Date(nowMs).toISOString();
  return { subject, failures, code, reason, brokenSince, nextTryAtMs: nowMs + pauseMs };
}

/**
 * What a cycle that is due may be: `whole`; a `probe` of a few rows, in one process, while nobody knows whether the model
 * works; or nothing yet. What somebody asks for, and the start of a daemon, are not held back.
 */
export function allowed(tries: ModelTries | undefined, trigger: Trigger, nowMs: number): 'whole' | 'probe' | 'wait' {
  if (tries === undefined || isOnDemand(trigger) || trigger === 'startup') return 'whole';
  if (tries.brokenSince === null) return 'probe';
  // Further ahead than any pause is long: the clock was set back.
  const due = nowMs >= tries.nextTryAtMs || tries.nextTryAtMs - nowMs > LONGEST_PAUSE_MS;
  return due ? 'probe' : 'wait';
}

/** Whether an error says that the model itself cannot be run: that it does not load, kills its process or never ends. */
export function breaks(code: string): boolean {
  if (code === 'FW_MODEL_UNKNOWN' || code === 'FW_MODEL_CHANGED') return false;
  return code.startsWith('FW_MODEL_') || code.startsWith('FW_INFERENCE_');
}

/** What a cycle tells of its model: that it works, why it does not, or nothing. */
export function outcomeOf(cycle: {
  readonly batches: readonly BatchRecord[];
  readonly reason: string | null;
}): 'works' | FailedTry | 'unknown' {
  const { batches, reason } = cycle;
  const ran = batches.some(({ state, computed, failed }) => state !== 'failed' && computed + failed > 0);
  if (ran) return 'works';
  const failed = batches.filter(({ state }) => state === 'failed');
  // The last code of an error is that of its cause.
  const codes = failed.map(({ error }) => (error ?? '').match(/\bFW_[A-Z_]+(?=: )/g)?.at(-1) ?? '');
  const [code] = codes;
  if (code === undefined || !codes.every(breaks)) return 'unknown';
  return { code: code as ErrorCode, reason: reason ?? code };
}
