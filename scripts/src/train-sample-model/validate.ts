/**
 * Compares hyper-parameters inside the training weeks: learn from the first 15 (22) weeks, predict the 7 that follow.
 * The held-out weeks play no part in the choice.
 */
import { boost } from './boost';
import { countWeeks, type Dataset, TEST_WEEKS } from './data';
import { learnTables, trainingSet } from './features';
import { type Accuracy, measure } from './poisson';
import type { Settings } from './settings';

/** Numbers of weeks learnt from; the later fold predicts up to the last training week. */
const FOLDS = [15, 22] as const;
const TREE_COUNTS: readonly number[] = [50, 75, 100, 125, 150];

/** One setting changed at a time. */
const CHANGES: readonly Partial<Settings>[] = [
  {},
  { maxDepth: 4 },
  { maxDepth: 6 },
  { minHessian: 30 },
  { minHessian: 200 },
  { l2: 5 },
  { l2: 60 },
  { learningRate: 0.1 },
  { halfLifeWeeks: 5 },
  { halfLifeWeeks: 14 },
  { sharePrior: 60 },
  { ratePrior: 10 },
];

/** Prints one line per change: mean over the folds of deviance / absolute error at each number of trees. */
export function validate(dataset: Dataset, settings: Settings, print: (line: string) => void): void {
  print(`${'change'.padEnd(24)}${TREE_COUNTS.map((trees) => `${trees} trees`.padStart(17)).join('')}`);
  for (const change of CHANGES) {
    const name = Object.entries(change).map(([key, value]) => `${key} ${value}`);
    const accuracies = averageAccuracies(dataset, { ...settings, ...change, trees: Math.max(...TREE_COUNTS) });
    const cells = accuracies.map(({ deviance, absoluteError }) =>
      `${deviance.toFixed(4)} / ${absoluteError.toFixed(4)}`.padStart(17),
    );
    print(`${(name[0] ?? 'as chosen').padEnd(24)}${cells.join('')}`);
  }
}

function averageAccuracies(dataset: Dataset, settings: Settings): Accuracy[] {
  const ofFolds = FOLDS.map((weeks) => foldAccuracies(dataset, settings, weeks));
  const mean = (trees: number, figure: keyof Accuracy) =>
    ofFolds.reduce((sum, fold) => sum + (fold.get(trees)?.[figure] ?? Number.NaN), 0) / FOLDS.length;
  return TREE_COUNTS.map((trees) => ({
    deviance: mean(trees, 'deviance'),
    absoluteError: mean(trees, 'absoluteError'),
  }));
}

/** Accuracy on the weeks after the first `length` ones, by number of trees. */
function foldAccuracies(dataset: Dataset, settings: Settings, length: number): Map<number, Accuracy> {
  const weeks = { from: 0, to: length };
  const next = countWeeks(dataset, length, length + TEST_WEEKS);
  const accuracies = new Map<number, Accuracy>();
  boost(trainingSet(dataset, weeks, learnTables(dataset, weeks, settings)), settings, (trees, scores) => {
    if (TREE_COUNTS.includes(trees)) accuracies.set(trees, measure(next, scores.map(Math.exp), TEST_WEEKS));
  });
  return accuracies;
}
