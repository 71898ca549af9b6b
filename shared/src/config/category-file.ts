import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { messageOf } from '../errors';
import { DEFAULT_COLUMN } from './categories';
import { parseCsv } from './csv';
import { isPlainMap } from './plain-map';
import { nearest } from './suggest';

/** Lists of categories in files of their own: .csv, .json and .txt. */

export interface CategoryEntry {
  readonly category: unknown;
  /** To be put behind the file's name: `:12` or ` (entry 3)`. */
  readonly at: string;
}

export interface CategoryEntries {
  readonly entries: readonly CategoryEntry[];
  readonly faults: readonly FileFault[];
}

/** What is wrong with the file itself or with the column that was asked for. */
export interface FileFault {
  readonly setting: 'file' | 'column';
  /** To be put behind the file's name, `:12`; absent when the fault is of no line. */
  readonly at?: string;
  readonly expected: string;
}

export function readCategoryFile(file: string, column: string | undefined): CategoryEntries {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    return parseCategoryFile(text, extname(file).toLowerCase(), column);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return fault(`a file that exists; there is no ${file}`);
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return fault('UTF-8 text');
    return fault(`a file that can be read: ${messageOf(error)}`);
  }
}

/** @param extension `.csv`, `.json` or `.txt` */
export function parseCategoryFile(text: string, extension: string, column: string | undefined): CategoryEntries {
  if (extension === '.csv') return fromCsv(text, column ?? DEFAULT_COLUMN);
  if (extension === '.json') return fromJson(text, column);
  if (extension !== '.txt') return fault('a file that ends in .csv, .json or .txt');
  if (column !== undefined) return fault('no column: a .txt file has one category in each line', 'column');
  return fromLines(text);
}

function fromLines(text: string): CategoryEntries {
  const lines = text.split(/\r\n|\n|\r/).map((category, i) => ({ category, at: `:${i + 1}` }));
  return nonEmpty(lines.filter(({ category }) => category.trim() !== ''));
}

function fromCsv(text: string, column: string): CategoryEntries {
  const { records, faults } = parseCsv(text);
  const [header, ...rows] = records;
  if (header === undefined) return fault(`a header line with the column \`${column}\``);
  const position = header.fields.indexOf(column);
  if (position < 0) return noColumn(column, header.fields);
  const width = header.fields.length;
  const ragged = rows.filter(({ fields }) => fields.length !== width);
  const { entries, faults: none } = nonEmpty(
    rows.map(({ fields, line }) => ({ category: fields[position] ?? '', at: `:${line}` })),
  );
  return {
    entries,
    faults: [
      ...faults.map(({ line, expected }) => fileFault(expected, line)),
      ...ragged.map(({ line, fields }) =>
        fileFault(`${width} fields as the header has; there are ${fields.length}`, line),
      ),
      ...none,
    ],
  };
}

function fromJson(text: string, column: string | undefined): CategoryEntries {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    return fault(`valid JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(values)) return fault('a JSON array of strings or of objects');
  const first: unknown = values[0];
  if (!isPlainMap(first)) {
    if (column !== undefined) return fault('no column: the file is an array of strings', 'column');
    return nonEmpty(values.map((category: unknown, i) => ({ category, at: ` (entry ${i + 1})` })));
  }
  const name = column ?? DEFAULT_COLUMN;
  if (!Object.hasOwn(first, name)) return noColumn(name, Object.keys(first));
  return nonEmpty(
    values.map((value: unknown, i) => ({ category: isPlainMap(value) ? value[name] : value, at: ` (entry ${i + 1})` })),
  );
}

function noColumn(column: string, columns: readonly string[]): CategoryEntries {
  const close = nearest(column, columns);
  const hint = close === undefined ? `it has ${columns.slice(0, 20).join(', ')}` : `did you mean \`${close}\`?`;
  return fault(`a file with a column \`${column}\`; ${hint}`, 'column');
}

function nonEmpty(entries: CategoryEntries['entries']): CategoryEntries {
  return entries.length > 0 ? { entries, faults: [] } : fault('at least one category');
}

function fault(expected: string, setting: FileFault['setting'] = 'file'): CategoryEntries {
  return { entries: [], faults: [{ setting, expected }] };
}

function fileFault(expected: string, line: number): FileFault {
  return { setting: 'file', at: `:${line}`, expected };
}
