import { categoryFaults, MOST_LISTED } from './categories';
import { readCategoryFile } from './category-file';

/** A list of categories as a file has it now, or what is wrong with it, one line. */
export type ReadCategories = { readonly categories: readonly string[] } | { readonly problem: string };

/** Reads a list of categories again, as the configuration was read before. */
export function readCategories(file: string, column: string | undefined): ReadCategories {
  const { entries, faults } = readCategoryFile(file, column);
  const values = entries.map(({ category }) => category);
  const whereIs = (position: number) => `${file}${entries[position]?.at ?? ''}`;
  const wrong = [
    ...faults.map(({ at = '', expected }) => `${file}${at}: expected ${expected}`),
    ...categoryFaults(values, whereIs).map(({ position, expected }) => `${whereIs(position)}: expected ${expected}`),
  ];
  const [first] = wrong;
  if (first === undefined) return { categories: values as string[] };
  const more =
    wrong.length === 1
      ? ''
      : `, and ${Math.min(wrong.length - 1, MOST_LISTED)}${wrong.length > MOST_LISTED ? ' or more' : ''} others`;
  return { problem: `${first}${more}` };
}
