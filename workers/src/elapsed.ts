const SECOND = 1_000;
const UNITS = [
  ['d', 86_400 * SECOND],
  ['h', 3_600 * SECOND],
  ['m', 60 * SECOND],
  ['s', SECOND],
] as const;

/** How long ago or until when, for people: whole seconds, in the largest units, `45s`, `5m 12s`, `2d 4h`. Never negative. */
export function formatElapsed(milliseconds: number, units: 1 | 2 = 2): string {
  let left = Math.max(0, Math.round(milliseconds / SECOND) * SECOND);
  const largest = UNITS.findIndex(([, size]) => left >= size);
  if (largest < 0) return '0s';
  const words = UNITS.slice(largest, largest + units).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return [count, unit] as const;
  });
  return words
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

/** How long something took, to three digits below a minute: `83 ms`, `1.24 s`, `2m 3s`. */
export function formatTook(milliseconds: number): string {
  if (milliseconds < 1) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 999.5) return `${Number(milliseconds.toPrecision(3))} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / SECOND).toPrecision(3)} s`;
  return formatElapsed(milliseconds);
}

/** A moment as `2026-11-24 04:24:39`, in UTC as the ids of cycles and the log are. */
export function formatMoment(moment: Date): string {
  return moment.toISOString().slice(0, 19).replace('T', ' ');
}
