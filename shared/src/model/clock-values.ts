import type { ClockField } from './spec';

/** Whole turns of the fields that go round, in their own unit. A year has up to 366 days, a month up to 31. */
const PERIODS: Partial<Record<ClockField, { readonly first: number; readonly length: number }>> = {
  month: { first: 1, length: 12 },
  day: { first: 1, length: 31 },
  dayOfYear: { first: 1, length: 366 },
  weekday: { first: 0, length: 7 },
  hour: { first: 0, length: 24 },
  minute: { first: 0, length: 60 },
};

/** The values that a field can have; `undefined` for one that goes on without end. */
export function clockPeriod(field: ClockField): { readonly first: number; readonly length: number } | undefined {
  return PERIODS[field];
}

const DAY_MS = 86_400_000;

/**
 * A field of the wall clock of a time zone: `month` and `day` from 1, `dayOfYear` from 1, `weekday` from 0 for Monday, `unixTime` in
 * seconds.
 * @param atMs milliseconds since 1970 UTC
 */
export function clockValue(field: ClockField, timezone: string, atMs: number): number {
  if (field === 'unixTime') return Math.floor(atMs / 1_000);
  const parts = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: timezone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  }).formatToParts(atMs);
  const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
  if (field !== 'dayOfYear' && field !== 'weekday') return of(field);
  const day = Date.UTC(of('year'), of('month') - 1, of('day'));
  if (field === 'dayOfYear') return (day - Date.UTC(of('year'), 0, 1)) / DAY_MS + 1;
  return (new Date(day).getUTCDay() + 6) % 7;
}
