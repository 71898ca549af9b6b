import { MISSING_POLICIES, type MissingPolicy } from '../features/feature-settings';
import type { FeatureValue } from '../model/spec';
import { DEFAULT_COLUMN } from './categories';
import { isPlainMap } from './plain-map';
import { DEFAULT_TIME_LIMIT_MS, queryLimit, queryText } from './queries';
import { choice, postgresUrl, type Refuse, text, type ValueType } from './values';

/** The features of a model's categories: from the configuration itself, a file, or a query. */

export type GivenFeatures = {
  readonly from:
    | { readonly rows: readonly Readonly<Record<string, unknown>>[] }
    | { readonly file: string }
    | { readonly query: string };
  readonly url: string | undefined;
  readonly timeLimitMs: number;
  readonly column: string;
  readonly time: string | undefined;
  readonly missing: MissingPolicy;
  readonly defaults: Readonly<Record<string, FeatureValue>>;
};

const KINDS = '`file`, `query` and `rows`';
const NAMES = ['file', 'query', 'rows', 'url', 'timeLimit', 'column', 'time', 'missing', 'defaults'];

const filePath = text(4096, { regex: /^[^\0]*\.(csv|json)$/i, says: 'the path of a .csv or .json file' });
const columnName = text(512);
const policy = choice(MISSING_POLICIES);

export const featuresType: ValueType<GivenFeatures> = {
  label: '`{ file: PATH }`, `{ query: SQL }` or `{ rows: [...] }`; see below',
  read(raw, refuse) {
    if (!isPlainMap(raw)) return refuse('{ file: PATH }, { query: SQL } or { rows: [...] }');
    for (const name of Object.keys(raw)) if (!NAMES.includes(name)) refuse(`only ${NAMES.join(', ')}`, [name]);
    const read = <T>(name: string, type: ValueType<T>): T | undefined =>
      raw[name] === undefined ? undefined : type.read(raw[name], (what, path = []) => refuse(what, [name, ...path]));
    const from = source(raw, read, refuse);
    const given = {
      url: read('url', postgresUrl),
      timeLimitMs: read('timeLimit', queryLimit) ?? DEFAULT_TIME_LIMIT_MS,
      column: read('column', columnName) ?? DEFAULT_COLUMN,
      time: read('time', columnName),
      missing: read('missing', policy) ?? 'reject',
      defaults: read('defaults', defaultsType) ?? {},
    };
    for (const name of ['url', 'timeLimit']) {
      if (raw[name] !== undefined && raw.query === undefined) refuse('a `query` beside it', [name]);
    }
    if (raw.defaults !== undefined && given.missing !== 'default') refuse('`missing: default` beside it', ['defaults']);
    return from === undefined ? undefined : { from, ...given };
  },
};

function source(
  raw: Readonly<Record<string, unknown>>,
  read: <T>(name: string, type: ValueType<T>) => T | undefined,
  refuse: Refuse,
): GivenFeatures['from'] | undefined {
  const kinds = ['file', 'query', 'rows'].filter((kind) => raw[kind] !== undefined);
  if (kinds.length !== 1) return refuse(`one of ${KINDS}`);
  if (kinds[0] === 'rows') {
    const rows = read('rows', rowsType);
    return rows && { rows };
  }
  if (kinds[0] === 'file') {
    const file = read('file', filePath);
    return file === undefined ? undefined : { file };
  }
  const query = read('query', queryText);
  return query === undefined ? undefined : { query };
}

const rowsType: ValueType<readonly Readonly<Record<string, unknown>>[]> = {
  label: 'list of maps',
  read(raw, refuse) {
    if (!Array.isArray(raw) || raw.length === 0) return refuse('a list of maps, one for each category');
    raw.forEach((row: unknown, i) => {
      if (!isPlainMap(row)) refuse('a map of the category and its features', [i]);
    });
    return raw as Readonly<Record<string, unknown>>[];
  },
};

const defaultsType: ValueType<Record<string, FeatureValue>> = {
  label: 'map of feature to value',
  read(raw, refuse) {
    if (!isPlainMap(raw)) return refuse('a map of feature to the value that stands for a missing one');
    for (const [name, value] of Object.entries(raw)) {
      const usable = ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
      if (!usable) refuse('a finite number, `true`, `false`, or text written in quotes', [name]);
    }
    return raw as Record<string, FeatureValue>;
  },
};
