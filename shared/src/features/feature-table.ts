import { nearest } from '../config/suggest';
import { messageOf } from '../errors';
import type { FeatureRow, FeatureRows, FeatureValue } from '../model/spec';

/** What a source gave, before it is held to anything. */
export interface RawTable {
  readonly columns: readonly string[];
  readonly records: readonly (readonly unknown[])[];
  /** How a message names a record: its line, or its number. */
  readonly whereIs: (record: number) => string;
}

/** The features of each category, as a source gave them. */
export interface FeatureTable {
  /** In the order of each row. */
  readonly names: readonly string[];
  /** `null` is a value that is missing. */
  readonly rows: FeatureRows;
  /** The newest time in the source, milliseconds since 1970 UTC; `null` where it gives none. */
  readonly newestMs: number | null;
}

export interface TableColumns {
  /** The column that holds the category. */
  readonly category: string;
  readonly features: readonly string[];
  /** The column that says when a record was made. */
  readonly time: string | undefined;
}

export type TableOrProblem = { readonly table: FeatureTable } | { readonly problem: string };

/** More would not fit beside the rows of the cache either. */
export const MOST_RECORDS = 1_000_000;

/** Holds what a source gave to what was asked of it: every column there, every category once, only plain values. Pure. */
export function toTable(raw: RawTable, { category, features, time }: TableColumns): TableOrProblem {
  const { columns, records, whereIs } = raw;
  const wanted = [category, ...features, ...(time === undefined ? [] : [time])];
  const places = new Map<string, number>();
  for (const name of wanted) {
    const place = columns.indexOf(name);
    if (place < 0) return { problem: noColumn(name, columns) };
    if (columns.lastIndexOf(name) !== place) return { problem: `it has several columns \`${name}\`` };
    places.set(name, place);
  }
  if (records.length === 0) return { problem: 'it has no rows' };
  if (records.length > MOST_RECORDS) return { problem: `it has more than ${MOST_RECORDS} rows` };
  const at = (record: readonly unknown[], name: string): unknown => record[places.get(name) ?? -1];
  const rows = new Map<string, FeatureRow>();
  const seen = new Map<string, number>();
  let newestMs: number | null = null;
  for (const [i, record] of records.entries()) {
    const where = whereIs(i);
    const name = categoryOf(at(record, category));
    if (name === undefined) return { problem: `${where}: expected a category; it is ${shown(at(record, category))}` };
    const first = seen.get(name);
    if (first !== undefined) {
      return { problem: `${where}: ${JSON.stringify(name)} is there twice; the first is ${whereIs(first)}` };
    }
    seen.set(name, i);
    const row: (FeatureValue | null)[] = [];
    for (const feature of features) {
      const value = featureOf(at(record, feature));
      if (value === undefined) {
        const given = shown(at(record, feature));
        return { problem: `${where}: ${feature}: expected a number, text, true, false or nothing; it is ${given}` };
      }
      row.push(value);
    }
    rows.set(name, row);
    if (time === undefined) continue;
    const moment = timeOf(at(record, time));
    if (moment === undefined)
      return { problem: `${where}: ${time}: expected a time; it is ${shown(at(record, time))}` };
    if (moment !== null) newestMs = Math.max(newestMs ?? moment, moment);
  }
  return { table: { names: features, rows, newestMs } };
}

function noColumn(name: string, columns: readonly string[]): string {
  const close = nearest(name, columns);
  const has = columns.length === 0 ? 'it has none' : `it has ${columns.slice(0, 20).join(', ')}`;
  return `it has no column \`${name}\`; ${close === undefined ? has : `did you mean \`${close}\`?`}`;
}

/** Ids of shops and products are often numbers in a database. */
function categoryOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `null` for what is missing, NaN and infinity included; `undefined` for what no input could take. */
function featureOf(value: unknown): FeatureValue | null | undefined {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value;
  if (value instanceof Date) return isoOf(value);
  if (typeof value !== 'string') return undefined;
  return /^[+-]?(nan|inf|infinity)$/i.test(value) ? null : value;
}

function isoOf(date: Date): string | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const ZONED = /(?:z|[+-]\d{2}(?::?\d{2})?)$/i;

/** Milliseconds; `null` for none. Numbers are seconds since 1970, as Unix has them; a time without a zone is UTC. */
function timeOf(value: unknown): number | null | undefined {
  if (value === null || value === undefined || value === '') return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.getTime();
  if (typeof value === 'number') return secondsAt(value);
  // In a file everything is text, and so are large numbers of PostgreSQL.
  if (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)) return secondsAt(Number(value));
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}/.test(value)) return undefined;
  const moment = Date.parse(value.length > 10 ? zoned(value) : value);
  return Number.isNaN(moment) ? undefined : moment;
}

/** The end of the year 9999: beyond it nothing is a time, and what was meant were milliseconds. */
const LAST_SECOND = 253_402_300_799;

function secondsAt(seconds: number): number | undefined {
  return seconds >= 0 && seconds <= LAST_SECOND ? seconds * 1_000 : undefined;
}

/** As the standard writes it: PostgreSQL has a space in it and zones of hours alone. */
function zoned(time: string): string {
  const text = time.replace(' ', 'T').replace(/([+-]\d{2})$/, '$1:00');
  return ZONED.test(text) ? text : `${text}Z`;
}

function shown(value: unknown): string {
  try {
    const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
    return text.length > 60 ? `${text.slice(0, 60)}…` : text;
  } catch (error) {
    return messageOf(error);
  }
}

/** A table as text, to be kept; a table again from that, or `undefined` when it is of other features. */
export function tableToText({ names, rows, newestMs }: FeatureTable): string {
  return JSON.stringify({ names, newestMs, rows: [...rows] });
}

export function tableFromText(text: string, names: readonly string[]): FeatureTable | undefined {
  try {
    const kept = JSON.parse(text) as { names: string[]; newestMs: number | null; rows: [string, FeatureRow][] };
    if (JSON.stringify(kept.names) !== JSON.stringify(names)) return undefined;
    return { names, newestMs: kept.newestMs, rows: new Map(kept.rows) };
  } catch {
    return undefined;
  }
}
