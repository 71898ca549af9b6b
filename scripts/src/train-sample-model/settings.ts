/** The chosen hyper-parameters; `--validate` prints the comparison inside the training weeks they come from. */
import type { BoostOptions } from './boost';
import type { StatisticsOptions } from './statistics';

export interface Settings extends BoostOptions, StatisticsOptions {}

export const SETTINGS: Settings = {
  trees: 100,
  learningRate: 0.05,
  maxDepth: 5,
  minHessian: 100,
  l2: 20,
  minGain: 0,
  halfLifeWeeks: 8,
  ratePrior: 3,
  sharePrior: 20,
  profilePrior: 50,
};
