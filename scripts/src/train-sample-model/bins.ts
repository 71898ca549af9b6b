/** Splits a feature's distinct values into bins: one bin per value, as no feature has more than a few hundred. */

export interface BinnedFeature {
  /** Bin of each row, ascending with the value. */
  readonly binOfRow: Uint16Array;
  /** thresholds[b] separates bin b (value <= threshold) from bin b + 1; one fewer than there are bins. */
  readonly thresholds: Float32Array;
}

/** `values` must be the float32 numbers the ONNX graph computes, or the two could fall on different sides of a split. */
export function binFeature(values: Float32Array): BinnedFeature {
  const distinct = Float32Array.from(new Set(values)).sort();
  const binOfValue = new Map(Array.from(distinct, (value, bin) => [value, bin]));
  return {
    binOfRow: Uint16Array.from(values, (value) => binOfValue.get(value) ?? 0),
    thresholds: Float32Array.from({ length: distinct.length - 1 }, (_, bin) =>
      between(distinct[bin] ?? 0, distinct[bin + 1] ?? 0),
    ),
  };
}

/** A float32 t with low <= t < high: the middle, unless rounding carries it up to `high`. */
function between(low: number, high: number): number {
  const middle = Math.fround((low + high) / 2);
  return middle < high ? middle : low;
}
