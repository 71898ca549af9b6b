import { isDue } from '#jobs/backup/is-due';
import { lastDueMs, longestPeriodMs, periodMs } from '#shared/cron-times';

const times = { pattern: '15 3 * * *', timezone: 'UTC' };
const at = (text: string): number => Date.parse(`2026-11-${text}:00Z`);
const NOW = at('26T12:00');

test.each<[string, { lastMs: number | undefined; sinceMs: number }, boolean]>([
  ['never, and asked for since before the last time', { lastMs: undefined, sinceMs: at('20T00:00') }, true],
  ['never, and asked for since an hour ago', { lastMs: undefined, sinceMs: at('26T11:00') }, false],
  ['today, on time', { lastMs: at('26T03:15'), sinceMs: at('20T00:00') }, false],
  ['today, by hand, before it was due', { lastMs: at('26T03:00'), sinceMs: at('20T00:00') }, true],
  ['yesterday', { lastMs: at('25T03:15'), sinceMs: at('20T00:00') }, true],
  ['tomorrow, before the clock was set back', { lastMs: at('27T03:15'), sinceMs: at('20T00:00') }, true],
  ['never, and asked for since tomorrow', { lastMs: undefined, sinceMs: at('27T00:00') }, true],
])('last backed up %s', (_, known, due) => expect(isDue(times, known, NOW)).toBe(due));

test('a time that is now has come', () => {
  expect(lastDueMs(times, at('26T03:15'))).toBe(at('26T03:15'));
  expect(lastDueMs(times, at('26T03:15') - 1)).toBe(at('25T03:15'));
});

test('time zones count, and days that have no such hour are left out', () => {
  const berlin = { pattern: '15 3 * * *', timezone: 'Europe/Berlin' };
  expect(lastDueMs(berlin, NOW)).toBe(at('26T02:15'));
  const skipped = { pattern: '30 2 * * *', timezone: 'Europe/Berlin' };
  const afterwards = Date.parse('2027-03-28T12:00:00Z');
  expect(lastDueMs(skipped, afterwards)).toBeLessThan(Date.parse('2027-03-28T02:00:00Z'));
  expect(periodMs(times, NOW)).toBe(86_400_000);
});

test.each([
  ['15 3 * * *', 1],
  ['15 3 * * 1-5', 3],
  ['15 3 * * 0', 7],
  ['15 3 1 * *', 31],
])('between two times of %s lie at most %d days', (pattern, days) => {
  for (const day of [26, 27, 28]) {
    expect(longestPeriodMs({ pattern, timezone: 'UTC' }, at(`${day}T12:00`))).toBe(days * 86_400_000);
  }
});
