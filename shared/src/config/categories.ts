import { CATEGORY_MAX_BYTES, categoryFault } from '../cache/keys';
import { isPlainMap } from './plain-map';
import { DEFAULT_TIME_LIMIT_MS, queryLimit, queryText } from './queries';
import type { CategoryQuery } from './types';
import { postgresUrl, type Refuse, text, type ValueType } from './values';

/** The column that holds the category, where none is named. */
export const DEFAULT_COLUMN = 'category';

/** Categories: a list of texts, `{ file: PATH, column: NAME }`, or `{ query: SQL, file: PATH }`. */

export type CategoryList =
  | { readonly from: 'list'; readonly categories: readonly string[] }
  | { readonly from: 'file'; readonly file: string; readonly column: string | undefined }
  | ({ readonly from: 'query'; readonly file: string } & CategoryQuery);

export const categoriesType: ValueType<CategoryList> = {
  label: 'list of text, `{ file, column }` or `{ query, file }`',
  read(raw, refuse) {
    if (isPlainMap(raw)) return raw.query === undefined ? categoryFile(raw, refuse) : categoryQuery(raw, refuse);
    if (!Array.isArray(raw) || raw.length === 0) {
      return refuse('a list of at least one text, or { file: PATH, column: NAME }');
    }
    const faults = categoryFaults(raw, (position) => `categories[${position}]`);
    for (const { position, expected } of faults.slice(0, MOST_LISTED)) refuse(expected, [position]);
    if (faults.length > MOST_LISTED) refuse(`valid categories; ${faults.length - MOST_LISTED} more are wrong`);
    return { from: 'list', categories: raw };
  },
};

function categoryFile(raw: Readonly<Record<string, unknown>>, refuse: Refuse): CategoryList | undefined {
  const { file, column, ...others } = raw;
  for (const name of Object.keys(others)) refuse('only `file` and `column`', [name]);
  if (typeof file !== 'string' || file === '' || file.includes('\0')) return refuse('the path of a file', ['file']);
  const named = column ?? undefined;
  if (named !== undefined && (typeof named !== 'string' || named === '')) {
    return refuse('the name of a column, written in quotes', ['column']);
  }
  return { from: 'file', file, column: named };
}

function categoryQuery(raw: Readonly<Record<string, unknown>>, refuse: Refuse): CategoryList | undefined {
  const known = ['query', 'file', 'column', 'url', 'timeLimit'];
  for (const name of Object.keys(raw)) if (!known.includes(name)) refuse(`only ${known.join(', ')}`, [name]);
  const read = <T>(name: string, type: ValueType<T>): T | undefined =>
    raw[name] === undefined ? undefined : type.read(raw[name], (what, path = []) => refuse(what, [name, ...path]));
  const query = read('query', queryText);
  const where = 'the path of a .json file, in which its last good answer is kept';
  const file = read('file', text(4096, { regex: /^[^\0]+\.json$/i, says: where }));
  const column = read('column', text(512)) ?? DEFAULT_COLUMN;
  const url = read('url', postgresUrl);
  const timeLimitMs = read('timeLimit', queryLimit) ?? DEFAULT_TIME_LIMIT_MS;
  if (raw.file === undefined) refuse(where, ['file']);
  if (query === undefined || file === undefined) return undefined;
  return { from: 'query', query, file, column, url, timeLimitMs };
}

/** A wrong list may be wrong in every line: after so many, the others are only counted. */
export const MOST_LISTED = 20;

export interface CategoryFault {
  readonly position: number;
  readonly expected: string;
}

/** What is wrong with each entry of a list of categories. @param whereIs how a message names the entry at a position */
export function categoryFaults(entries: readonly unknown[], whereIs: (position: number) => string): CategoryFault[] {
  const seen = new Map<unknown, number>();
  return entries.flatMap((entry, position) => {
    if (typeof entry !== 'string') return [{ position, expected: 'text, written in quotes' }];
    const fault = categoryFault(entry);
    if (fault !== undefined) {
      return [{ position, expected: `a category of 1 to ${CATEGORY_MAX_BYTES} bytes of UTF-8; this one ${fault}` }];
    }
    const first = seen.get(entry);
    seen.set(entry, first ?? position);
    return first === undefined ? [] : [{ position, expected: `each category once; the same is at ${whereIs(first)}` }];
  });
}
