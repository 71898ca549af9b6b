/** Gradient boosting of Poisson trees on a fixed starting score. */
import { type BinnedFeature, binFeature } from './bins';
import { derivatives } from './poisson';
import { growTree, leaves, type TreeNode, type TreeOptions } from './tree';

export interface BoostOptions extends TreeOptions {
  readonly trees: number;
  readonly learningRate: number;
}

export interface TrainingSet {
  /** One column of float32 numbers per feature, one number per cell. */
  readonly columns: readonly Float32Array[];
  /** Starting score of each cell: log of a rate in calls per hour, a multiple of SCORE_STEP. */
  readonly start: Float64Array;
  /** Calls of each cell in `weeks` weeks. */
  readonly counts: Float64Array;
  readonly weeks: number;
  /** What one call of each cell counts for in the loss. */
  readonly weights: Float64Array;
}

export interface Boosted {
  readonly trees: readonly TreeNode[];
  /** Final score of each cell: log of the rate in calls per hour. */
  readonly scores: Float64Array;
}

/**
 * Scores and leaf weights are multiples of 2^-16. While |score| < 2^8 every partial sum then fits the 24 bits of a
 * float32 exactly, so the ONNX runtime gets the same total in whatever order it adds the trees.
 */
export const SCORE_STEP = 2 ** -16;

export function onScoreGrid(score: number): number {
  return Math.round(score / SCORE_STEP) * SCORE_STEP;
}

/** Trains the trees; `onTree` sees the scores after each one. */
export function boost(
  set: TrainingSet,
  options: BoostOptions,
  onTree: (trees: number, scores: Float64Array) => void = () => {},
): Boosted {
  const features: BinnedFeature[] = set.columns.map(binFeature);
  const scores = Float64Array.from(set.start);
  const trees: TreeNode[] = [];
  while (trees.length < options.trees) {
    const grown = growTree(features, derivatives(set.counts, scores, set.weights, set.weeks), options);
    const tree = shrink(grown, options.learningRate);
    for (const leaf of leaves(tree)) {
      for (const row of leaf.rows) scores[row] = (scores[row] ?? 0) + leaf.weight;
    }
    trees.push(tree);
    onTree(trees.length, scores);
  }
  return { trees, scores };
}

function shrink(node: TreeNode, learningRate: number): TreeNode {
  if (node.kind === 'leaf') return { ...node, weight: onScoreGrid(node.weight * learningRate) };
  return { ...node, left: shrink(node.left, learningRate), right: shrink(node.right, learningRate) };
}
