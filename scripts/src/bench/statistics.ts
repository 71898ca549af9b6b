/** Figures of a run: medians of rounds, and how a figure grows with size. */

/** @throws RangeError of an empty list */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The quantile `q` (0 to 1), interpolated between neighbours.
 * @throws RangeError of an empty list
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const last = sorted.length - 1;
  if (last < 0) throw new RangeError('no values');
  const at = q * last;
  const [below, above] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * The exponent e of `y = c * x^e` that fits best: the slope of the least-squares line through the logarithms.
 * @throws RangeError of fewer than two points, or of points that are not positive
 */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  if (points.length < 2 || points.some(([x, y]) => !(x > 0 && y > 0)))
    throw new RangeError('two positive points or more');
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const above = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return above / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** Significant digits, so that figures can be compared by eye. */
export function rounded(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}
