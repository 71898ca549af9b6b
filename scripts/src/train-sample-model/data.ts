/**
 * Reads the three CSV files of samples/montco911/data and lays the counts out as dense grids.
 *
 * A grid is a Float64Array of CELLS numbers, one per (category, day, hour): index = (category * 7 + day) * 24 + hour,
 * where `category` is the row of montco911_categories.csv, `day` is 0 (Sunday) to 6 and `hour` is 0 to 23.
 * The files leave zeros out, so every grid starts filled with them.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from './user-error';

export const DAYS = 7;
export const HOURS = 24;
export const SLOTS = DAYS * HOURS;
/** The first 29 of the 36 whole weeks are for training, the last 7 are held out. */
export const TRAIN_WEEKS = 29;
export const TEST_WEEKS = 7;
const FIRST_MONDAY = Date.UTC(2015, 11, 14);
const WEEK_MS = 7 * 24 * 3600 * 1000;

export interface Category {
  readonly name: string;
  /** EMS, Fire or Traffic. */
  readonly group: string;
}

/** The calls of one category in one hour of one date; `week` counts from Monday 2015-12-14. */
interface HourlyCount {
  readonly week: number;
  readonly cell: number;
  readonly count: number;
}

export interface Dataset {
  readonly categories: readonly Category[];
  readonly hourly: readonly HourlyCount[];
  /** Calls per cell in the 29 training weeks. */
  readonly train: Float64Array;
  /** Calls per cell in the 7 held-out weeks. */
  readonly test: Float64Array;
}

export function readDataset(folder: string): Dataset {
  const categories = readRows(folder, 'montco911_categories.csv', ['category', 'group']).map(([name, group]) => ({
    name: name ?? '',
    group: group ?? '',
  }));
  const hourly = readRows(folder, 'montco911_hourly.csv', ['date', 'day', 'hour', 'category_id', 'count']).map(
    ([date, day, hour, category, count]) => ({
      week: Math.floor((Date.parse(`${date}T00:00:00Z`) - FIRST_MONDAY) / WEEK_MS),
      cell: cellIndex(Number(category), Number(day), Number(hour)),
      count: Number(count),
    }),
  );
  const dataset = { categories, hourly, ...readCells(folder, categories) };
  requireSameCounts(dataset);
  return dataset;
}

export function cellIndex(category: number, day: number, hour: number): number {
  return (category * DAYS + day) * HOURS + hour;
}

/** Calls per cell in weeks `from` (included) to `to` (excluded), counted from Monday 2015-12-14. */
export function countWeeks(dataset: Pick<Dataset, 'categories' | 'hourly'>, from: number, to: number): Float64Array {
  const grid = new Float64Array(dataset.categories.length * SLOTS);
  for (const { week, cell, count } of dataset.hourly) {
    if (week >= from && week < to) grid[cell] = (grid[cell] ?? 0) + count;
  }
  return grid;
}

function readCells(folder: string, categories: readonly Category[]): Pick<Dataset, 'train' | 'test'> {
  const ids = new Map(categories.map(({ name }, id) => [name, id]));
  const train = new Float64Array(categories.length * SLOTS);
  const test = new Float64Array(categories.length * SLOTS);
  const columns = ['day', 'hour', 'category', 'train_count', 'test_count'];
  for (const [day, hour, name, trainCount, testCount] of readRows(folder, 'montco911_cells.csv', columns)) {
    const category = ids.get(name ?? '');
    if (category === undefined) throw new UserError(`montco911_cells.csv: unknown category "${name}"`);
    const cell = cellIndex(category, Number(day), Number(hour));
    train[cell] = Number(trainCount);
    test[cell] = Number(testCount);
  }
  return { train, test };
}

/** The two count files were derived from the same calls; a copy in which they disagree is damaged. */
function requireSameCounts(dataset: Dataset): void {
  const train = countWeeks(dataset, 0, TRAIN_WEEKS);
  const test = countWeeks(dataset, TRAIN_WEEKS, TRAIN_WEEKS + TEST_WEEKS);
  const differs = train.findIndex((count, i) => count !== dataset.train[i] || test[i] !== dataset.test[i]);
  if (differs >= 0) throw new UserError(`montco911_hourly.csv and montco911_cells.csv disagree on cell ${differs}`);
}

/** The named columns of a CSV file without quoting, in the order asked for. */
function readRows(folder: string, file: string, columns: readonly string[]): string[][] {
  const [header = '', ...lines] = readText(path.join(folder, file)).trimEnd().split('\n');
  const names = header.split(',');
  const positions = columns.map((column) => names.indexOf(column));
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new UserError(`${file}: column ${missing.join(', ')} is missing`);
  return lines.map((line) => {
    const fields = line.split(',');
    return positions.map((position) => fields[position] ?? '');
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${(error as Error).message}`);
  }
}
