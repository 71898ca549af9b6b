/**
 * The Poisson likelihood with log link: its boosting derivatives and the two accuracy figures.
 *
 * With score F = log(rate per hour), exposure E hours and y calls: mu = E exp(F),
 * loss = mu - y F (the negative log likelihood without terms free of F), gradient = mu - y, hessian = mu.
 */

export interface Derivatives {
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
}

/** Derivatives of each cell's weighted loss by its score. `weeks` is the exposure: hours per (day, hour) slot. */
export function derivatives(
  counts: Float64Array,
  scores: Float64Array,
  weights: Float64Array,
  weeks: number,
): Derivatives {
  const hessian = scores.map((score, i) => (weights[i] ?? 1) * weeks * Math.exp(score));
  const gradient = hessian.map((mu, i) => mu - (weights[i] ?? 1) * (counts[i] ?? 0));
  return { gradient, hessian };
}

export interface Accuracy {
  /** Mean over cells of 2 (y ln(y / mu) - (y - mu)), with y ln y = 0 at y = 0. */
  readonly deviance: number;
  /** Mean over cells of |y - mu|, in calls. */
  readonly absoluteError: number;
}

/** Compares each cell's calls in `weeks` weeks with mu = weeks x rate (calls per hour). */
export function measure(counts: Float64Array, rates: ArrayLike<number>, weeks: number): Accuracy {
  let deviance = 0;
  let absoluteError = 0;
  counts.forEach((y, i) => {
    const mu = weeks * (rates[i] ?? Number.NaN);
    deviance += unitDeviance(y, mu);
    absoluteError += Math.abs(y - mu);
  });
  return { deviance: deviance / counts.length, absoluteError: absoluteError / counts.length };
}

/**
 * The figures a perfect model would get on average: the expectation of `measure` when every cell's calls really are
 * Poisson with mu = weeks x rate. Summed exactly over y (up to where the probability vanishes), not sampled.
 */
export function expectedAccuracy(rates: ArrayLike<number>, weeks: number): Accuracy {
  let deviance = 0;
  let absoluteError = 0;
  for (let i = 0; i < rates.length; i++) {
    const mu = weeks * (rates[i] ?? Number.NaN);
    const last = Math.ceil(mu + 12 * Math.sqrt(mu) + 12);
    let probability = Math.exp(-mu);
    for (let y = 0; y <= last; y++) {
      deviance += probability * unitDeviance(y, mu);
      absoluteError += probability * Math.abs(y - mu);
      probability *= mu / (y + 1);
    }
  }
  return { deviance: deviance / rates.length, absoluteError: absoluteError / rates.length };
}

function unitDeviance(y: number, mu: number): number {
  return 2 * ((y > 0 ? y * Math.log(y / mu) : 0) - (y - mu));
}
