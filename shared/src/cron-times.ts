import { CronExpressionParser } from 'cron-parser';

/** Times that come again, as the five fields of cron. */
export interface CronTimes {
  readonly pattern: string;
  /** Name of the time zone that the fields are meant in. */
  readonly timezone: string;
}

/** The last time that was due at `nowMs`, in milliseconds since 1970 UTC. */
export function lastDueMs({ pattern, timezone }: CronTimes, nowMs: number): number {
  // The parser looks for what lies before: a time that is now has come.
  const options = { tz: timezone, currentDate: new Date(nowMs + 1) };
  return CronExpressionParser.parse(pattern, options).prev().getTime();
}

/** Milliseconds between the next two times. */
export function periodMs({ pattern, timezone }: CronTimes, nowMs: number): number {
  const times = CronExpressionParser.parse(pattern, { tz: timezone, currentDate: new Date(nowMs) });
  const next = times.next().getTime();
  return times.next().getTime() - next;
}
