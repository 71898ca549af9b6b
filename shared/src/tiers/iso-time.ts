const MINUTE_MS = 60_000;

/** The minute that was asked for last, as `2026-11-25T12:00:`. */
let minute = Number.NaN;
let prefix = '';

/** What was asked for last: the rows of one batch were computed at few times. */
let lastMs = Number.NaN;
let last = '';

/** `new Date(ms).toISOString()`, which costs more than the rest of an answer; times of answers lie close together. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    last = format(ms);
    lastMs = ms;
  }
  return last;
}

function format(ms: number): string {
  const of = Math.floor(ms / MINUTE_MS);
  if (of !== minute) {
    prefix = new Date(of * MINUTE_MS).toISOString().slice(0, -'00.000Z'.length);
    minute = of;
  }
  const rest = ms - of * MINUTE_MS;
  const seconds = Math.floor(rest / 1_000);
  return `${prefix}${String(seconds).padStart(2, '0')}.${String(rest - seconds * 1_000).padStart(3, '0')}Z`;
}
