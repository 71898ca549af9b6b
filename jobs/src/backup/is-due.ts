import { type CronTimes, lastDueMs } from '#shared/cron-times';

export interface KnownTimes {
  /** When the last backup was begun. */
  readonly lastMs: number | undefined;
  /** Since when backups are asked for. */
  readonly sinceMs: number;
}

/**
 * Whether the last time at which a backup was due has passed without one. A backup of the future was made before the clock was
 * set back: it says nothing of what was due since.
 */
export function isDue(times: CronTimes, { lastMs, sinceMs }: KnownTimes, nowMs: number): boolean {
  const dueMs = lastDueMs(times, nowMs);
  if (dueMs < sinceMs && sinceMs <= nowMs) return false;
  return lastMs === undefined || lastMs < dueMs || lastMs > nowMs;
}
