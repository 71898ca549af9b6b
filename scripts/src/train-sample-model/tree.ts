/**
 * One regression tree on binned features, grown depth first with Newton gains:
 * a leaf holding gradient sum G and hessian sum H gets the weight -G / (H + lambda) and is worth G^2 / (H + lambda).
 * Source of the formulas: Chen & Guestrin, "XGBoost: A Scalable Tree Boosting System" (2016), equations 5 to 7.
 */
import type { BinnedFeature } from './bins';
import type { Derivatives } from './poisson';

export interface TreeOptions {
  /** Greatest number of splits between the root and a leaf. */
  readonly maxDepth: number;
  /** Least hessian sum of a leaf; with the Poisson loss this is in expected calls. */
  readonly minHessian: number;
  /** lambda, the L2 penalty on leaf weights, in expected calls. */
  readonly l2: number;
  /** Least improvement of the objective for a split. */
  readonly minGain: number;
}

/** A row with `feature` value <= `threshold` goes left. */
export interface Split {
  readonly kind: 'split';
  readonly feature: number;
  readonly bin: number;
  readonly threshold: number;
  readonly left: TreeNode;
  readonly right: TreeNode;
}

export interface Leaf {
  readonly kind: 'leaf';
  readonly weight: number;
  readonly rows: Int32Array;
}

export type TreeNode = Split | Leaf;

interface Candidate {
  readonly feature: number;
  readonly bin: number;
  readonly gain: number;
}

export function growTree(features: readonly BinnedFeature[], slopes: Derivatives, options: TreeOptions): TreeNode {
  const rows = Int32Array.from(slopes.gradient, (_, row) => row);
  return grow(features, slopes, options, rows, 0);
}

/** The leaves of a tree from left to right. */
export function leaves(node: TreeNode): Leaf[] {
  return node.kind === 'leaf' ? [node] : [...leaves(node.left), ...leaves(node.right)];
}

function grow(
  features: readonly BinnedFeature[],
  slopes: Derivatives,
  options: TreeOptions,
  rows: Int32Array,
  depth: number,
): TreeNode {
  const best = depth < options.maxDepth ? bestSplit(features, slopes, options, rows) : undefined;
  const feature = best === undefined ? undefined : features[best.feature];
  if (best === undefined || feature === undefined) {
    const { gradient, hessian } = sums(slopes, rows);
    return { kind: 'leaf', weight: -gradient / (hessian + options.l2), rows };
  }
  const goesLeft = (row: number) => (feature.binOfRow[row] ?? 0) <= best.bin;
  return {
    kind: 'split',
    feature: best.feature,
    bin: best.bin,
    threshold: feature.thresholds[best.bin] ?? Number.NaN,
    left: grow(features, slopes, options, rows.filter(goesLeft), depth + 1),
    right: grow(
      features,
      slopes,
      options,
      rows.filter((row) => !goesLeft(row)),
      depth + 1,
    ),
  };
}

/** The split with the greatest gain; of equals the first feature and lowest bin, so that the result is determined. */
function bestSplit(
  features: readonly BinnedFeature[],
  slopes: Derivatives,
  options: TreeOptions,
  rows: Int32Array,
): Candidate | undefined {
  const total = sums(slopes, rows);
  let best: Candidate | undefined;
  features.forEach((feature, index) => {
    const candidate = bestBin(feature, histogram(feature, slopes, rows), total, options);
    if (candidate.gain > Math.max(options.minGain, best?.gain ?? 0)) best = { ...candidate, feature: index };
  });
  return best;
}

interface Sums {
  readonly gradient: number;
  readonly hessian: number;
}

function bestBin(feature: BinnedFeature, bins: Derivatives, total: Sums, options: TreeOptions) {
  const worth = (gradient: number, hessian: number) => (gradient * gradient) / (hessian + options.l2);
  let left = { gradient: 0, hessian: 0 };
  let best = { bin: -1, gain: 0 };
  for (let bin = 0; bin < feature.thresholds.length; bin++) {
    left = {
      gradient: left.gradient + (bins.gradient[bin] ?? 0),
      hessian: left.hessian + (bins.hessian[bin] ?? 0),
    };
    const right = { gradient: total.gradient - left.gradient, hessian: total.hessian - left.hessian };
    if (left.hessian < options.minHessian || right.hessian < options.minHessian) continue;
    const children = worth(left.gradient, left.hessian) + worth(right.gradient, right.hessian);
    const gain = (children - worth(total.gradient, total.hessian)) / 2;
    if (gain > best.gain) best = { bin, gain };
  }
  return best;
}

/** Gradient and hessian sums of the rows in each bin of a feature. */
function histogram(feature: BinnedFeature, slopes: Derivatives, rows: Int32Array): Derivatives {
  const gradient = new Float64Array(feature.thresholds.length + 1);
  const hessian = new Float64Array(feature.thresholds.length + 1);
  for (const row of rows) {
    const bin = feature.binOfRow[row] ?? 0;
    gradient[bin] = (gradient[bin] ?? 0) + (slopes.gradient[row] ?? 0);
    hessian[bin] = (hessian[bin] ?? 0) + (slopes.hessian[row] ?? 0);
  }
  return { gradient, hessian };
}

function sums(slopes: Derivatives, rows: Int32Array): Sums {
  let gradient = 0;
  let hessian = 0;
  for (const row of rows) {
    gradient += slopes.gradient[row] ?? 0;
    hessian += slopes.hessian[row] ?? 0;
  }
  return { gradient, hessian };
}
