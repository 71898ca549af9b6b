/** Byte sizes with binary units: `512B`, `64KiB`, `512MiB`, `2GiB`, `1TiB`. */

const UNITS = [
  ['TiB', 1024 ** 4],
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['B', 1],
] as const;

/** Bytes, or `undefined` when `text` is no whole number of bytes. Decimal units (`MB`) are not understood. */
export function parseBytes(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,16}(?:\.\d{1,9})?)(B|KiB|MiB|GiB|TiB)$/.exec(text) ?? [];
  const factor = UNITS.find(([name]) => name === unit)?.[1];
  if (digits === undefined || factor === undefined) return undefined;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact writing in one unit: 1536 is `1536B`, 2048 is `2KiB`. The inverse of `parseBytes`. */
export function formatBytes(bytes: number): string {
  const [unit, factor] = UNITS.find(([, factor]) => bytes >= factor && bytes % factor === 0) ?? ['B', 1];
  return `${bytes / factor}${unit}`;
}

/** Rounded for people, in the largest fitting unit: 1234567 is `1.2 MiB`. */
export function approximateBytes(bytes: number): string {
  const [unit, factor] = UNITS.find(([, factor]) => bytes >= factor) ?? ['B', 1];
  const amount = bytes / factor;
  return `${factor === 1 || amount >= 100 ? Math.round(amount) : Number(amount.toFixed(1))} ${unit}`;
}
