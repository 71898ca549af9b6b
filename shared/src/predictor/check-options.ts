import { ForewarmError } from '../errors';
import { UNKNOWN_CATEGORIES } from '../tiers/model-source';
import type { CallOptions } from './answers';
import type { PredictorOptions } from './predictor-options';

/** The longest time that a timer can wait for. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Refuses options that mean nothing, all of them at once.
 * @throws ForewarmError FW_CONFIG_INVALID naming each option, what was given and what was expected
 */
export function checkOptions(options: PredictorOptions): void {
  const { redis, postgres, models = [], memory, limitsMs = {}, unknownCategories } = options;
  if (redis === undefined && postgres === undefined && models.length === 0) {
    const next = "Give at least `redis`: new Predictor({ redis: 'redis://127.0.0.1:6379' }).";
    throw new ForewarmError('FW_CONFIG_INVALID', 'a Predictor needs redis, postgres or models to read from', { next });
  }
  const times: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(limitsMs).map(([tier, ms]) => [`limitsMs.${tier}`, ms])),
    ...{ deadlineMs: options.deadlineMs, staleAfterMs: options.staleAfterMs, taskLimitMs: options.taskLimitMs },
    ...(memory ? { 'memory.maxAgeMs': memory.maxAgeMs } : {}),
  };
  const wrong = Object.entries(times).flatMap(([name, ms]) => wrongTime(name, ms));
  const whole: Record<string, unknown> = {
    processes: options.processes,
    ...(memory ? { 'memory.maxBytes': memory.maxBytes } : {}),
  };
  for (const [name, count] of Object.entries(whole)) {
    if (count !== undefined && !(Number.isSafeInteger(count) && Number(count) > 0)) {
      wrong.push(`${name} is ${String(count)}; expected a whole number of 1 or more`);
    }
  }
  if (unknownCategories !== undefined && !UNKNOWN_CATEGORIES.includes(unknownCategories)) {
    wrong.push(`unknownCategories is ${String(unknownCategories)}; expected ${UNKNOWN_CATEGORIES.join(' or ')}`);
  }
  if (wrong.length > 0) throw invalid(wrong);
}

/** @throws ForewarmError FW_CONFIG_INVALID */
export function checkCall({ deadlineMs }: CallOptions): void {
  const wrong = wrongTime('deadlineMs', deadlineMs);
  if (wrong.length > 0) throw invalid(wrong);
}

function wrongTime(name: string, ms: unknown): string[] {
  if (ms === undefined || (typeof ms === 'number' && ms > 0 && ms <= MAX_MS)) return [];
  return [`${name} is ${String(ms)}; expected milliseconds, more than 0 and at most ${MAX_MS}`];
}

function invalid(wrong: readonly string[]): ForewarmError {
  const next = 'See docs/reading.md for what each option means.';
  return new ForewarmError('FW_CONFIG_INVALID', `options of a Predictor: ${wrong.join('; ')}`, { next });
}
