/** What the training weeks say about each category and group, as the numbers the model's features are made of. */
import { type Category, countWeeks, DAYS, type Dataset, HOURS, SLOTS } from './data';

/** Weeks `from` (included) to `to` (excluded), counted from Monday 2015-12-14. */
export interface WeekRange {
  readonly from: number;
  readonly to: number;
}

export interface StatisticsOptions {
  /** A week this many weeks before the last one counts half in the starting rate. */
  readonly halfLifeWeeks: number;
  /** Strength, in calls, of the pull of the recent rate towards the rate over all weeks. */
  readonly ratePrior: number;
  /** Strength, in calls, of the pull of a category's part-of-day shares towards those of its group. */
  readonly sharePrior: number;
  /** Strength, in average hours, of the pull of a group's weekly profile towards hour profile x day profile. */
  readonly profilePrior: number;
}

/** Half a call: keeps the rate of a category without any call above zero. */
const NO_CALL = 0.5;
/** Strength, in squared calls, of the pull of the dispersion towards 1. */
const DISPERSION_PRIOR = 20;

/** Calls of each category. */
export function categoryTotals(counts: Float64Array): Float64Array {
  const totals = new Float64Array(counts.length / SLOTS);
  counts.forEach((count, cell) => {
    const category = Math.floor(cell / SLOTS);
    totals[category] = (totals[category] ?? 0) + count;
  });
  return totals;
}

/**
 * Log of each category's mean calls per hour, recent weeks counting more.
 * With weights w of sum W and weighted calls Y this is the mean of a Gamma posterior, (Y + k) / (W + k / r), whose
 * prior has the mean r (rate over all weeks) and the strength of k calls.
 */
export function logRates(dataset: Dataset, weeks: WeekRange, options: StatisticsOptions): Float64Array {
  const totals = categoryTotals(countWeeks(dataset, weeks.from, weeks.to));
  const weighted = new Float64Array(totals.length);
  let weightSum = 0;
  for (let week = weeks.from; week < weeks.to; week++) {
    const weight = 0.5 ** ((weeks.to - 1 - week) / options.halfLifeWeeks);
    weightSum += weight;
    categoryTotals(countWeeks(dataset, week, week + 1)).forEach((calls, category) => {
      weighted[category] = (weighted[category] ?? 0) + weight * calls;
    });
  }
  return weighted.map((calls, category) => {
    const weekly = ((totals[category] ?? 0) + NO_CALL) / (weeks.to - weeks.from);
    return Math.log((calls + options.ratePrior) / (weightSum + options.ratePrior / weekly) / SLOTS);
  });
}

/**
 * Index of dispersion of each category, at least 1: the variance over weeks of the calls of a weekday, over their mean.
 * Storms bring hundreds of road calls on one day, which tell less about the next weeks than as many separate calls
 * would; dividing by this index (the quasi-Poisson weight) keeps them from shaping the trees.
 */
export function dispersions(dataset: Dataset, weeks: WeekRange): Float64Array {
  const length = weeks.to - weeks.from;
  const sum = new Float64Array(dataset.categories.length * DAYS);
  const squares = new Float64Array(sum.length);
  for (let week = weeks.from; week < weeks.to; week++) {
    dailyTotals(countWeeks(dataset, week, week + 1)).forEach((calls, i) => {
      sum[i] = (sum[i] ?? 0) + calls;
      squares[i] = (squares[i] ?? 0) + calls * calls;
    });
  }
  return Float64Array.from(dataset.categories, (_, category) => {
    let spread = DISPERSION_PRIOR;
    let mean = DISPERSION_PRIOR;
    for (let i = category * DAYS; i < (category + 1) * DAYS; i++) {
      const calls = sum[i] ?? 0;
      spread += (squares[i] ?? 0) - (calls * calls) / length;
      mean += (calls * (length - 1)) / length;
    }
    return Math.max(1, spread / mean);
  });
}

/** Calls of each (category, day). */
function dailyTotals(counts: Float64Array): Float64Array {
  const totals = new Float64Array(counts.length / HOURS);
  counts.forEach((count, cell) => {
    const day = Math.floor(cell / HOURS);
    totals[day] = (totals[day] ?? 0) + count;
  });
  return totals;
}

/** The calls of one week, by day and hour: a category's or a group's. */
export class WeekProfile {
  readonly slots = new Float64Array(SLOTS);
  total = 0;

  add(slot: number, calls: number): void {
    this.slots[slot] = (this.slots[slot] ?? 0) + calls;
    this.total += calls;
  }

  /** Calls in the slots that `within` accepts. */
  sum(within: (day: number, hour: number) => boolean): number {
    return this.slots.reduce(
      (calls, count, slot) => (within(Math.floor(slot / HOURS), slot % HOURS) ? calls + count : calls),
      0,
    );
  }
}

/** One profile per distinct value of `keyOf`, which must number them from 0. */
export function profiles(counts: Float64Array, count: number, keyOf: (category: number) => number): WeekProfile[] {
  const result = Array.from({ length: count }, () => new WeekProfile());
  counts.forEach((calls, cell) => {
    result[keyOf(Math.floor(cell / SLOTS))]?.add(cell % SLOTS, calls);
  });
  return result;
}

/** The category's rank by calls, 0 for the most; equals in the order of their names' UTF-16 units. */
export function ranks(categories: readonly Category[], totals: Float64Array): number[] {
  const order = categories.map(({ name }, category) => ({ name, category, calls: totals[category] ?? 0 }));
  order.sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1));
  const result: number[] = [];
  order.forEach(({ category }, rank) => {
    result[category] = rank;
  });
  return result;
}
