/** Digits that every float32 carries: a decimal of so many comes back from a float32 unchanged. */
const CARRIED_DIGITS = 6;
/** Digits that tell any two float32 values apart. */
const ENOUGH_DIGITS = 9;

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * The number with the shortest decimal that is the same float32 again when it is rounded to single precision. A float32 as it is
 * prints with up to 17 digits, most of which it does not have: a file of them is twice as large.
 * @param value finite, and exactly a float32
 */
export function shortDecimal(value: number): number {
  const size = Math.abs(value);
  const magnitude = Math.floor(Math.log10(size)) + 1;
  for (let digits = CARRIED_DIGITS; digits <= ENOUGH_DIGITS; digits++) {
    const power = EXACT_POWERS[digits - magnitude];
    if (power === undefined) break;
    // Both are whole numbers that a double holds, so that this is what a parser makes of the decimal.
    const decimal = Math.round(size * power) / power;
    if (Math.fround(decimal) === size) return value < 0 ? -decimal : decimal;
  }
  return Number.isInteger(value) && size < 2 ** 24 ? value : slowShortDecimal(value);
}

/** For the very large, the very small, and 0. */
function slowShortDecimal(value: number): number {
  for (let digits = 1; digits < ENOUGH_DIGITS; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(ENOUGH_DIGITS));
}
