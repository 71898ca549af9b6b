/** Durations as people write them: a number and one unit, `500ms`, `20s`, `5m`, `2h`, `7d`. */

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** Milliseconds, or `undefined` when `text` is no duration of whole milliseconds (`1.5s` is one, `0.5ms` is not). */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS.find(([name]) => name === unit)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  const milliseconds = Number((Number(digits) * factor).toFixed(6));
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** The shortest exact writing in one unit: 90000 is `90s`, 120000 is `2m`. The inverse of `parseDuration`. */
export function formatDuration(milliseconds: number): string {
  const [unit, factor] = UNITS.find(([, factor]) => milliseconds >= factor && milliseconds % factor === 0) ?? ['ms', 1];
  return milliseconds === 0 ? '0s' : `${milliseconds / factor}${unit}`;
}
