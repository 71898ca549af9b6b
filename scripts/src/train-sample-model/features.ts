/**
 * The model's features, as look-up tables. Training reads them for every cell; the exported graph holds the same
 * tables, so that an application asks with plain day, hour and category.
 */
import { onScoreGrid, type TrainingSet } from './boost';
import { cellIndex, countWeeks, DAYS, type Dataset, HOURS, SLOTS } from './data';
import {
  categoryTotals,
  dispersions,
  logRates,
  profiles,
  ranks,
  type StatisticsOptions,
  type WeekProfile,
  type WeekRange,
} from './statistics';

export const GROUPS: readonly string[] = ['EMS', 'Fire', 'Traffic'];

/** What a table is looked up by; groupSlot = (group * 7 + day) * 24 + hour. */
export type TableKey = 'day' | 'hour' | 'rank' | 'groupSlot';

export interface Table {
  readonly name: string;
  readonly key: TableKey;
  /** values[k] is the feature's value at key k. */
  readonly values: Float32Array;
}

export interface FeatureTables {
  /** Category names, the one with most training calls first: their index is their rank. */
  readonly names: readonly string[];
  /** Index into GROUPS of each rank. */
  readonly groups: readonly number[];
  /** Score from which boosting starts: log of the category's calls per hour. */
  readonly start: Table;
  readonly columns: readonly Table[];
}

/** Parts of the day in which categories differ: from hour (included) to hour (excluded). */
const PARTS = [
  { name: 'night', from: 0, to: 6 },
  { name: 'morning', from: 6, to: 10 },
  { name: 'midday', from: 10, to: 15 },
  { name: 'afternoon', from: 15, to: 19 },
  { name: 'evening', from: 19, to: 24 },
] as const;

export function learnTables(dataset: Dataset, weeks: WeekRange, options: StatisticsOptions): FeatureTables {
  const counts = countWeeks(dataset, weeks.from, weeks.to);
  const rankOf = ranks(dataset.categories, categoryTotals(counts));
  const byRank = dataset.categories.map((_, rank) => rankOf.indexOf(rank));
  const groupOf = dataset.categories.map(({ group }) => GROUPS.indexOf(group));
  const groups = byRank.map((category) => groupOf[category] ?? 0);
  const rates = logRates(dataset, weeks, options);
  const ofRanks = profiles(counts, byRank.length, (category) => rankOf[category] ?? 0);
  const ofGroups = profiles(counts, GROUPS.length, (category) => groupOf[category] ?? 0);
  const share = (name: string, within: (day: number, hour: number) => boolean) =>
    table(name, 'rank', logShareRatios(ofRanks, groups, ofGroups, within, options.sharePrior));
  return {
    names: byRank.map((category) => dataset.categories[category]?.name ?? ''),
    groups,
    start: table(
      'start',
      'rank',
      byRank.map((category) => onScoreGrid(rates[category] ?? 0)),
    ),
    columns: [
      // Monday first keeps the weekend together, noon first keeps the night together: one split cuts either off.
      table(
        'dayFromMonday',
        'day',
        range(DAYS, (day) => (day + 6) % DAYS),
      ),
      table(
        'hour',
        'hour',
        range(HOURS, (hour) => hour),
      ),
      table(
        'hourFromNoon',
        'hour',
        range(HOURS, (hour) => (hour + 12) % HOURS),
      ),
      table(
        'rank',
        'rank',
        range(byRank.length, (rank) => rank),
      ),
      table('group', 'rank', groups),
      ...PARTS.map(({ name, from, to }) => share(name, (_, hour) => hour >= from && hour < to)),
      share('weekend', (day) => day === 0 || day === 6),
      table(
        'groupProfile',
        'groupSlot',
        ofGroups.flatMap((profile) => logProfile(profile, options.profilePrior)),
      ),
    ],
  };
}

/** The cells of a week range as rows to train on: columns of features, starting scores, counts and weights. */
export function trainingSet(dataset: Dataset, weeks: WeekRange, tables: FeatureTables): TrainingSet {
  const dispersion = dispersions(dataset, weeks);
  const start = Float64Array.from(column(dataset, tables, tables.start));
  return {
    columns: tables.columns.map((one) => column(dataset, tables, one)),
    start,
    counts: countWeeks(dataset, weeks.from, weeks.to),
    weeks: weeks.to - weeks.from,
    weights: start.map((_, cell) => 1 / (dispersion[Math.floor(cell / SLOTS)] ?? 1)),
  };
}

/** A table's value for every cell, in the order of the grids. */
function column(dataset: Dataset, tables: FeatureTables, { key, values }: Table): Float32Array {
  const result = new Float32Array(dataset.categories.length * SLOTS);
  const rankOf = new Map(tables.names.map((name, rank) => [name, rank]));
  dataset.categories.forEach(({ name }, category) => {
    const rank = rankOf.get(name) ?? 0;
    const group = tables.groups[rank] ?? 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const [day, hour] = [Math.floor(slot / HOURS), slot % HOURS];
      const keys = { day, hour, rank, groupSlot: group * SLOTS + slot };
      result[cellIndex(category, day, hour)] = values[keys[key]] ?? Number.NaN;
    }
  });
  return result;
}

/**
 * Log of each category's share of calls in the slots `within`, over the same share of its group:
 * log((a + k q) / ((n + k) q)) for a of n calls, the group's share q and a prior of k calls.
 */
function logShareRatios(
  ofRanks: readonly WeekProfile[],
  groups: readonly number[],
  ofGroups: readonly WeekProfile[],
  within: (day: number, hour: number) => boolean,
  prior: number,
): number[] {
  const groupShares = ofGroups.map((profile) => profile.sum(within) / profile.total);
  return ofRanks.map((profile, rank) => {
    const q = groupShares[groups[rank] ?? 0] ?? 1;
    return Math.log((profile.sum(within) + prior * q) / ((profile.total + prior) * q));
  });
}

/** Log of each slot's calls over the mean slot, pulled towards hour profile x day profile by `prior` mean hours. */
function logProfile(profile: WeekProfile, prior: number): number[] {
  const mean = profile.total / SLOTS;
  const ofDay = range(DAYS, (day) => profile.sum((d) => d === day));
  const ofHour = range(HOURS, (hour) => profile.sum((_, h) => h === hour));
  return range(SLOTS, (slot) => {
    const product = ((ofDay[Math.floor(slot / HOURS)] ?? 0) * (ofHour[slot % HOURS] ?? 0)) / profile.total / mean;
    return Math.log(((profile.slots[slot] ?? 0) + prior * product) / (mean + prior));
  });
}

function table(name: string, key: TableKey, values: ArrayLike<number>): Table {
  return { name, key, values: Float32Array.from(values) };
}

function range(length: number, value: (index: number) => number): number[] {
  return Array.from({ length }, (_, index) => value(index));
}
