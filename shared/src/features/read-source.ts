import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { parseCsv } from '../config/csv';
import { isPlainMap } from '../config/plain-map';
import { messageOf } from '../errors';
import type { FeatureSettings } from './feature-settings';
import { type RawTable, type TableOrProblem, toTable } from './feature-table';
import { queryTable } from './query-table';

/** Where statements of sources go that name no database: a URL, or a pool of who reads. */
export type Database = string | Pool;

/** Reads a source once. What is wrong with it is one line, which names it. */
export async function readSource(
  settings: FeatureSettings,
  names: readonly string[],
  database: Database | undefined,
): Promise<TableOrProblem> {
  const raw = await read(settings, database);
  const read_ =
    'problem' in raw ? raw : toTable(raw, { category: settings.column, features: names, time: settings.time });
  return 'problem' in read_ ? { problem: `${settings.source}: ${read_.problem}` } : read_;
}

async function read(
  { from, url, timeLimitMs }: FeatureSettings,
  database: Database | undefined,
): Promise<RawTable | { readonly problem: string }> {
  if ('rows' in from) return tableOfObjects(from.rows, 'entry');
  if ('file' in from) return tableOfFile(from.file);
  const on = url ?? database;
  if (on === undefined)
    return { problem: 'there is no PostgreSQL to ask: set postgres.url, or `url` beside the query' };
  return queryTable(on, from.query, timeLimitMs);
}

async function tableOfFile(file: string): Promise<RawTable | { readonly problem: string }> {
  try {
    if (!(await rested(file))) return { problem: 'it is being written all the time' };
    const before = stampOf(file);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    if (stampOf(file) !== before) return { problem: 'it was written while it was read' };
    return extname(file).toLowerCase() === '.json' ? tableOfJson(text) : tableOfCsv(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { problem: 'there is no such file' };
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      return { problem: 'it is no UTF-8 text' };
    }
    return { problem: `it cannot be read: ${messageOf(error)}` };
  }
}

/** A file that was written a moment ago may be half of what it is to be. */
const REST_MS = 1_000;
const LOOKS = 5;

/** Waits until a file has been left alone for a moment; false where that does not come. */
async function rested(file: string): Promise<boolean> {
  let seen = '';
  for (let look = 0; look < LOOKS; look++) {
    const stamp = stampOf(file);
    const ageMs = Date.now() - statSync(file).mtimeMs;
    // A time that lies ahead says nothing: then it is looked at twice.
    if (ageMs >= REST_MS || (ageMs < 0 && stamp === seen)) return true;
    seen = stamp;
    await delay(ageMs < 0 ? REST_MS : REST_MS - ageMs);
  }
  return false;
}

function stampOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}

function tableOfCsv(text: string): RawTable | { readonly problem: string } {
  const { records, faults } = parseCsv(text);
  const [fault] = faults;
  if (fault !== undefined) return { problem: `line ${fault.line}: expected ${fault.expected}` };
  const [header, ...rows] = records;
  if (header === undefined) return { problem: 'it is empty' };
  const ragged = rows.find(({ fields }) => fields.length !== header.fields.length);
  if (ragged !== undefined) {
    const { line, fields } = ragged;
    return {
      problem: `line ${line}: expected ${header.fields.length} fields as the header has; there are ${fields.length}`,
    };
  }
  return {
    columns: header.fields,
    records: rows.map(({ fields }) => fields),
    whereIs: (record) => `line ${rows[record]?.line ?? 0}`,
  };
}

function tableOfJson(text: string): RawTable | { readonly problem: string } {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    return { problem: `it is no valid JSON: ${messageOf(error)}` };
  }
  const odd = Array.isArray(values) ? values.findIndex((value) => !isPlainMap(value)) : 0;
  if (!Array.isArray(values) || odd >= 0) {
    const which = Array.isArray(values) ? `; entry ${odd + 1} is none` : '';
    return { problem: `expected an array of objects, one for each category${which}` };
  }
  return tableOfObjects(values as Readonly<Record<string, unknown>>[], 'entry');
}

/** A key that only some objects have is missing in the others. */
function tableOfObjects(objects: readonly Readonly<Record<string, unknown>>[], word: string): RawTable {
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const records = objects.map((object) => columns.map((name) => (Object.hasOwn(object, name) ? object[name] : null)));
  return { columns, records, whereIs: (record) => `${word} ${record + 1}` };
}
