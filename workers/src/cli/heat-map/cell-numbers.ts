/** How all numbers of a map are written: as multiples of a power of ten, with so many decimals. */
export interface CellNumbers {
  /** Cells say how many times 10 to this power; 0 for the numbers themselves. */
  readonly exponent: number;
  readonly decimals: number;
  /** Columns that the longest takes. */
  readonly width: number;
}

/** Numbers of a larger size, or a smaller one, are written as multiples only. */
const PLAIN_EXPONENTS = { from: -5, to: 7 };

/**
 * Ways to write the numbers from `min` to `max`, the most telling first and the shortest last. `digits` count from the first
 * of the largest number.
 */
export function numberFormats(min: number, max: number, whole: boolean): CellNumbers[] {
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const size = largest === 0 ? 0 : Math.floor(Math.log10(largest));
  const format = (exponent: number, decimals: number): CellNumbers => {
    const made = { exponent, decimals, width: 0 };
    return { ...made, width: Math.max(writeNumber(min, made).length, writeNumber(max, made).length) };
  };
  const plain = [4, 3, 2].map((digits) => format(0, whole ? 0 : Math.max(0, digits - 1 - size)));
  const multiples = [4, 3, 2].map((digits) => format(size - digits + 1, 0));
  const canBePlain = largest === 0 || (size >= PLAIN_EXPONENTS.from && size <= PLAIN_EXPONENTS.to);
  const formats = canBePlain ? [...plain, ...multiples.slice(1)] : multiples;
  // Each one shorter than those before it, or it is of no use.
  return formats.filter(({ width }, i) => formats.slice(0, i).every((before) => before.width > width));
}

export function writeNumber(value: number, { exponent, decimals }: Pick<CellNumbers, 'exponent' | 'decimals'>): string {
  if (!Number.isFinite(value)) return '?';
  const text = (value / 10 ** exponent).toFixed(decimals);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

/** A number for a legend: four digits, or all of them where it is whole; none smaller than a thousandth of `span`. */
export function legendNumber(value: number, span = 0): string {
  if (Number.isInteger(value)) return String(value);
  const decimals = span === 0 ? 100 : Math.min(100, Math.max(0, 3 - Math.floor(Math.log10(span))));
  return String(Number(Number(value.toFixed(decimals)).toPrecision(4)));
}

/** 10 to the power: `0.1`, `1000`, and `1e-9` beyond that. */
export function legendUnit(exponent: number): string {
  return Math.abs(exponent) <= 6 ? (10 ** exponent).toFixed(Math.max(0, -exponent)) : `1e${exponent}`;
}
