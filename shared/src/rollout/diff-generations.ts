import { compareRows, type RowChange } from '../cache/compare-rows';
import { cellCount } from '../cache/grid';
import type { ModelCache } from '../cache/model-cache';
import { ForewarmError } from '../errors';
import { areComparable, type ComparedGeneration, pairRows } from './compare-generations';

export interface GenerationsDiff {
  readonly from: string;
  readonly to: string;
  readonly same: number;
  readonly changed: number;
  readonly onlyInFrom: readonly string[];
  readonly onlyInTo: readonly string[];
  /** The sum of all differences, by the sum of the sizes of all values of `from`; `null` where nothing can be compared. */
  readonly meanChange: number | null;
  /** The same for each of the K·C values of a row, over all categories: 0 where nothing changed. */
  readonly byValue: Float32Array;
  /** The rows that changed most, by the largest relative change of one of their values. */
  readonly largest: readonly RowChange[];
}

/** Rows that are named. */
const MOST_SHOWN = 10;

/**
 * How the rows of one generation differ from those of another.
 * @param categories to look at
 * @throws ForewarmError FW_GENERATIONS_DIFFER, FW_REDIS_UNAVAILABLE
 */
export async function diffGenerations(
  cache: ModelCache,
  categories: readonly string[],
  from: ComparedGeneration,
  to: ComparedGeneration,
): Promise<GenerationsDiff> {
  if (!areComparable(from, to)) {
    const what = `generations ${from.generation} and ${to.generation} of ${cache.model} have other axes or outputs`;
    throw new ForewarmError('FW_GENERATIONS_DIFFER', what);
  }
  const width = cellCount(from.axes) * from.outputs.length;
  const [differences, sizes] = [new Float64Array(width), new Float64Array(width)];
  let [same, changed] = [0, 0];
  const onlyInFrom: string[] = [];
  const onlyInTo: string[] = [];
  let largest: RowChange[] = [];
  for await (const pairs of pairRows(cache, categories, from, to)) {
    for (const { category, row, other } of pairs) {
      if (row === undefined || other === undefined) {
        if (row !== undefined) onlyInFrom.push(category);
        if (other !== undefined) onlyInTo.push(category);
        continue;
      }
      const [before, after] = [row.values, other.values];
      add(differences, sizes, before, after);
      const change = compareRows(category, before, after);
      if (change.changed > 0) changed += 1;
      else same += 1;
      if (change.changed > 0) largest.push(change);
    }
    largest = largest.sort((a, b) => b.largest - a.largest).slice(0, MOST_SHOWN);
  }
  const [difference, size] = [sum(differences), sum(sizes)];
  return {
    ...{ from: from.generation, to: to.generation, same, changed, onlyInFrom, onlyInTo, largest },
    meanChange: same + changed === 0 ? null : shareOf(difference, size),
    byValue: Float32Array.from(differences, (value, i) => shareOf(value, sizes[i] ?? 0)),
  };
}

function add(differences: Float64Array, sizes: Float64Array, before: Float32Array, after: Float32Array): void {
  for (let i = 0; i < before.length; i++) {
    const was = before[i] as number;
    differences[i] = (differences[i] as number) + Math.abs((after[i] as number) - was);
    sizes[i] = (sizes[i] as number) + Math.abs(was);
  }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Where all was 0, any difference is endless. */
function shareOf(difference: number, size: number): number {
  return difference === 0 ? 0 : difference / size;
}
