import type { BareGrid } from './bare-grid';
import { categoryNames, DAYS, HOURS } from './grid';
import { randomNumbers } from './random-numbers';

/** One prediction that is asked for, in the words of each of those who are asked, and the right answer. */
export interface AskedCell {
  readonly category: string;
  /** Of the category, from 1 on: what the model is fed. */
  readonly number: number;
  readonly coordinates: { readonly day: number; readonly hour: number };
  /** Of the cell in its row. */
  readonly cell: number;
  /** Under which a cache of one key for each prediction has it. */
  readonly key: string;
  /** What the model itself says. */
  readonly value: number;
}

/** A list without an end, the same in each run: it begins again after `LENGTH`, a multiple of what one call asks. */
export class Questions {
  static readonly LENGTH = 4_000;
  readonly all: readonly AskedCell[];

  private constructor(all: readonly AskedCell[]) {
    this.all = all;
  }

  /** Any cells of this many categories, answered by direct inference. */
  static async of(categories: number, grid: BareGrid): Promise<Questions> {
    const random = randomNumbers(7);
    const below = (limit: number): number => Math.floor(random() * limit);
    const names = categoryNames(categories);
    const all: AskedCell[] = [];
    while (all.length < Questions.LENGTH) {
      const [at, day, hour] = [below(categories), below(DAYS), below(HOURS)];
      const category = names[at] as string;
      all.push({
        ...{ category, number: at + 1, coordinates: { day, hour }, cell: day * HOURS + hour },
        key: `${category}:${day}:${hour}`,
        value: await grid.one(day, hour, at + 1),
      });
    }
    return new Questions(all);
  }

  at(place: number): AskedCell {
    return this.all[place % Questions.LENGTH] as AskedCell;
  }
}
