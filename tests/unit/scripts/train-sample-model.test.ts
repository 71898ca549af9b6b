/** The small parts of the sample's trainer, against results worked out by hand. */
import { binFeature } from '../../../dist/scripts/train-sample-model/bins.js';
import { boost, SCORE_STEP } from '../../../dist/scripts/train-sample-model/boost.js';
import { derivatives, expectedAccuracy, measure } from '../../../dist/scripts/train-sample-model/poisson.js';
import { growTree, leaves } from '../../../dist/scripts/train-sample-model/tree.js';

const OPTIONS = { maxDepth: 2, minHessian: 1, l2: 0, minGain: 0 };

describe('measure', () => {
  it('is the Poisson deviance, with y ln y = 0 at y = 0, and the absolute error', () => {
    const { deviance, absoluteError } = measure(Float64Array.of(0, 6), [0.5, 1], 2);
    expect(deviance).toBeCloseTo((2 * 1 + 2 * (6 * Math.log(3) - 4)) / 2, 12);
    expect(absoluteError).toBeCloseTo((1 + 4) / 2, 12);
  });

  it('is expected to be what the definition of the expectation gives', () => {
    // E|y - 1| for a Poisson count of mean 1 is 2/e.
    expect(expectedAccuracy([1], 1).absoluteError).toBeCloseTo(2 / Math.E, 12);
  });
});

describe('derivatives', () => {
  it('are weight (mu - y) and weight mu', () => {
    const slopes = derivatives(Float64Array.of(5), Float64Array.of(Math.log(2)), Float64Array.of(0.5), 3);
    expect(slopes.gradient[0]).toBeCloseTo(0.5, 12);
    expect(slopes.hessian[0]).toBeCloseTo(3, 12);
  });
});

describe('binFeature', () => {
  it('puts thresholds between the distinct values', () => {
    const { binOfRow, thresholds } = binFeature(Float32Array.of(10, -1, 2, 2));
    expect([...binOfRow]).toEqual([2, 0, 1, 1]);
    expect([...thresholds]).toEqual([0.5, 6]);
  });

  it('keeps a threshold below the upper of two neighbouring float32 numbers', () => {
    const upper = 1 + 2 ** -23;
    const [threshold = Number.NaN] = binFeature(Float32Array.of(1, upper)).thresholds;
    expect(threshold).toBeGreaterThanOrEqual(1);
    expect(threshold).toBeLessThan(upper);
  });
});

describe('growTree', () => {
  const features = [binFeature(Float32Array.of(0, 0, 1, 1)), binFeature(Float32Array.of(0, 1, 0, 1))];

  it('splits where the gain is greatest and gives leaves -G / (H + lambda)', () => {
    const slopes = { gradient: Float64Array.of(2, 2, -3, -3), hessian: Float64Array.of(1, 1, 1, 1) };
    const tree = growTree(features, slopes, { ...OPTIONS, l2: 2 });
    expect(tree).toMatchObject({ kind: 'split', feature: 0, threshold: 0.5 });
    expect(leaves(tree).map(({ weight }) => weight)).toEqual([-1, 1.5]);
  });

  it('makes no leaf with less than the least hessian', () => {
    const slopes = { gradient: Float64Array.of(2, 2, -3, -3), hessian: Float64Array.of(1, 1, 1, 1) };
    expect(growTree(features, slopes, { ...OPTIONS, minHessian: 2.5 }).kind).toBe('leaf');
  });
});

describe('boost', () => {
  it('comes to the mean of each leaf, in scores a float32 holds exactly', () => {
    const set = {
      columns: [Float32Array.of(0, 0, 1, 1)],
      start: new Float64Array(4),
      counts: Float64Array.of(2, 4, 20, 40),
      weeks: 2,
      weights: Float64Array.of(1, 1, 1, 1),
    };
    const { scores } = boost(set, { ...OPTIONS, trees: 60, learningRate: 0.3 });
    [1.5, 1.5, 15, 15].forEach((rate, i) => {
      expect(Math.exp(scores[i] ?? 0)).toBeCloseTo(rate, 3);
    });
    for (const score of scores) {
      expect(Number.isInteger(score / SCORE_STEP)).toBe(true);
      expect(Math.fround(score)).toBe(score);
    }
  });
});
