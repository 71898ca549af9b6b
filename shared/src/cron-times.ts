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

/** Times that are looked at for the longest pause: those of a week of days, and of a year of months. */
const LOOKED_AT = 12;

/** The longest that two times in a row lie apart, in milliseconds: over a weekend, where they are those of working days. */
export function longestPeriodMs({ pattern, timezone }: CronTimes, nowMs: number): number {
  const times = CronExpressionParser.parse(pattern, { tz: timezone, currentDate: new Date(nowMs) });
  const next = Array.from({ length: LOOKED_AT + 1 }, () => times.next().getTime());
  return Math.max(...next.slice(1).map((time, i) => time - (next[i] ?? time)));
}
