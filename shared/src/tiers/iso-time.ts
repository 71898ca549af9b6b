const MINUTE_MS = 60_000;
/** The last moment that a `Date` can name. A row may say a later one. */
const LAST_MS = 8_640_000_000_000_000;

/** The minute that was asked for last, as `2026-11-25T12:00:`. */
let minute = Number.NaN;
let prefix = '';

/**
 * `new Date(ms).toISOString()`, which costs more than the rest of an answer; times of answers lie close together. What lies behind the
 * last moment that has a name is given that one.
 * @param timeMs whole milliseconds since 1970 UTC
 */
export function isoTime(timeMs: number): string {
  const ms = Math.min(timeMs, LAST_MS);
  const of = Math.floor(ms / MINUTE_MS);
  if (of !== minute) {
    prefix = new Date(of * MINUTE_MS).toISOString().slice(0, -'00.000Z'.length);
    minute = of;
  }
  const rest = ms - of * MINUTE_MS;
  const seconds = Math.floor(rest / 1_000);
  // Put together in two steps: of longer pieces the engine keeps each, and these texts are kept.
  const tail = `${String(seconds).padStart(2, '0')}.${String(rest - seconds * 1_000).padStart(3, '0')}Z`;
  return prefix + tail;
}
