/** Judges an exported model on the held-out weeks, asking it through onnxruntime as the product does. */
import { createHash } from 'node:crypto';
import { type Dataset, SLOTS, TEST_WEEKS, TRAIN_WEEKS } from './data';
import { type Accuracy, expectedAccuracy, measure } from './poisson';
import { allCells, BATCH_SIZES, differentBits, openSession, predict, reversed } from './runtime';

/** What the sample has to reach on the held-out weeks. */
export const BOUNDS: Accuracy = { deviance: 0.72, absoluteError: 0.56 };
/** Calls per hour below which the per-cell mean is raised: a rate of 0 would make the deviance of one call infinite. */
export const BASELINE_FLOOR = 0.01;

export interface Evaluation {
  readonly bytes: number;
  readonly sha256: string;
  readonly heldOut: {
    readonly model: Accuracy;
    /** Each cell's mean over the training weeks, at least BASELINE_FLOOR. */
    readonly baseline: Accuracy;
    /** Expected figures of a model with this one's rates if the calls were Poisson with exactly these rates. */
    readonly noiseFloor: Accuracy;
  };
  /** Number of the answers whose bits differ from those of one batch of all cells. */
  readonly differentBits: readonly { readonly asked: string; readonly cells: number }[];
  /** Categories without any call in the training weeks, but with calls in the held-out ones. */
  readonly unseen: readonly string[];
}

export async function evaluate(model: Uint8Array, dataset: Dataset): Promise<Evaluation> {
  const session = await openSession(model);
  const queries = allCells(dataset.categories);
  const rates = await predict(session, queries, 0, queries.categories.length);
  const different: { asked: string; cells: number }[] = [];
  for (const size of BATCH_SIZES) {
    const cells = await differentBits(session, queries, rates, size);
    different.push({ asked: `in batches of ${size}`, cells });
  }
  const cells = await differentBits(session, reversed(queries), rates.slice().reverse(), rates.length);
  different.push({ asked: 'in reverse order', cells });
  const baseline = dataset.train.map((calls) => Math.max(calls / TRAIN_WEEKS, BASELINE_FLOOR));
  return {
    bytes: model.length,
    sha256: createHash('sha256').update(model).digest('hex'),
    heldOut: {
      model: measure(dataset.test, rates, TEST_WEEKS),
      baseline: measure(dataset.test, baseline, TEST_WEEKS),
      noiseFloor: expectedAccuracy(rates, TEST_WEEKS),
    },
    differentBits: different,
    unseen: unseenCategories(dataset),
  };
}

/** What is wrong with the model, in words; empty when it may be published. */
export function shortcomings({ heldOut, differentBits: different }: Evaluation): string[] {
  const { deviance, absoluteError } = heldOut.model;
  const found: string[] = [];
  if (!(deviance <= BOUNDS.deviance)) found.push(`mean Poisson deviance ${deviance} is above ${BOUNDS.deviance}`);
  if (!(absoluteError <= BOUNDS.absoluteError)) {
    found.push(`mean absolute error ${absoluteError} is above ${BOUNDS.absoluteError}`);
  }
  for (const { asked, cells } of different) {
    if (cells > 0) found.push(`${cells} answers have other bits when asked ${asked}`);
  }
  return found;
}

function unseenCategories({ categories, train, test }: Dataset): string[] {
  const hasCalls = (grid: Float64Array, category: number) =>
    grid.subarray(category * SLOTS, (category + 1) * SLOTS).some((calls) => calls > 0);
  return categories
    .filter((_, category) => !hasCalls(train, category) && hasCalls(test, category))
    .map(({ name }) => name);
}
