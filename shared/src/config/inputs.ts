import { CLOCK_FIELDS, type ColumnSource, TRANSFORMS, type Transform } from '../model/spec';
import { type CategoryList, categoriesType } from './categories';
import { isPlainMap } from './plain-map';
import { timezone } from './times';
import { choice, type Refuse, type ValueType } from './values';

/** What model inputs are fed with: a map of input name to one source, or to a list of them for the columns of a matrix. */

/** As it is written: a vocabulary may be in a file. */
export type GivenColumn =
  | Exclude<ColumnSource, { readonly vocabulary: readonly string[] }>
  | { readonly from: 'category'; readonly as: 'index' | 'onehot'; readonly vocabulary: CategoryList };

export type GivenInput = GivenColumn | { readonly from: 'columns'; readonly columns: readonly GivenColumn[] };

const KINDS = {
  axis: '{ axis: NAME }',
  category: '{ category: true }',
  constant: '{ constant: VALUE }',
  clock: '{ clock: FIELD }',
  feature: '{ feature: NAME }',
} as const;
const EXPECTED = `one of ${Object.values(KINDS).slice(0, -1).join(', ')} and ${KINDS.feature}`;
const MOST_COLUMNS = 65_536;

export const inputsType: ValueType<Record<string, GivenInput>> = {
  label:
    'map of input name to a source, or to a list of sources, one after the other, for the columns of a matrix; see below',
  read(raw, refuse) {
    if (!isPlainMap(raw)) return refuse(`a map of input name to ${EXPECTED}`);
    const sources = Object.entries(raw).flatMap(([name, given]) => {
      const source = input(given, (expected, path = []) => refuse(expected, [name, ...path]));
      return source === undefined ? [] : [[name, source] as const];
    });
    return Object.fromEntries(sources);
  },
};

function input(given: unknown, refuse: Refuse): GivenInput | undefined {
  if (!Array.isArray(given)) return column(given, refuse);
  if (given.length === 0 || given.length > MOST_COLUMNS) return refuse(`a list of 1 to ${MOST_COLUMNS} sources`);
  const columns = given.flatMap((one: unknown, position) => {
    return column(one, (expected, path = []) => refuse(expected, [position, ...path])) ?? [];
  });
  return { from: 'columns', columns };
}

function column(given: unknown, refuse: Refuse): GivenColumn | undefined {
  if (!isPlainMap(given)) return refuse(EXPECTED);
  const kinds = Object.keys(KINDS).filter((kind) => Object.hasOwn(given, kind)) as (keyof typeof KINDS)[];
  const [kind, ...others] = kinds;
  if (kind === undefined || others.length > 0) return refuse(EXPECTED);
  const { [kind]: value, ...options } = given;
  const option = new Options(options, refuse);
  const source = READERS[kind](value, option, (expected) => refuse(expected, [kind]));
  const [stray] = option.unread;
  if (stray === undefined) return source;
  return refuse(EXPECTED);
}

/** What stands beside the kind of a source. */
class Options {
  readonly unread: ReadonlySet<string>;
  private readonly left: Set<string>;
  private readonly given: Readonly<Record<string, unknown>>;
  private readonly refuse: Refuse;

  constructor(given: Readonly<Record<string, unknown>>, refuse: Refuse) {
    this.given = given;
    this.refuse = refuse;
    this.left = new Set(Object.keys(given));
    this.unread = this.left;
  }

  /** `undefined` when it is not given or is wrong, which is told. */
  read<T>(name: string, type: ValueType<T>): T | undefined {
    this.left.delete(name);
    const value = this.given[name];
    if (value === undefined) return undefined;
    return type.read(value, (expected, path = []) => this.refuse(expected, [name, ...path]));
  }

  has(name: string): boolean {
    return Object.hasOwn(this.given, name);
  }
}

type Reader = (value: unknown, options: Options, refuse: Refuse) => GivenColumn | undefined;

const transformType = choice(TRANSFORMS);
const clockField = choice(CLOCK_FIELDS);

const READERS: Record<keyof typeof KINDS, Reader> = {
  axis(value, options, refuse) {
    const transform = options.read('transform', transformType);
    if (typeof value !== 'string') return refuse('an axis');
    return { from: 'axis', axis: value, ...given(transform) };
  },
  category(value, options, refuse) {
    if (value === true) return { from: 'category' };
    if (value !== 'index' && value !== 'onehot') return refuse('`true`, `index` or `onehot`');
    const vocabulary = options.read('vocabulary', categoriesType);
    if (vocabulary !== undefined) return { from: 'category', as: value, vocabulary };
    if (options.has('vocabulary')) return undefined;
    return refuse(
      '`true`, or a `vocabulary` beside it: the categories that the model was trained with, in their order',
    );
  },
  constant(value, _, refuse) {
    const usable =
      ['string', 'boolean'].includes(typeof value) || (typeof value === 'number' && Number.isFinite(value));
    if (!usable) return refuse('a finite number, `true`, `false`, or text written in quotes');
    return { from: 'constant', value: value as number | string | boolean };
  },
  feature(value, _, refuse) {
    if (typeof value !== 'string' || value === '') return refuse('the name of a feature, written in quotes');
    return { from: 'feature', feature: value };
  },
  clock(value, options, refuse) {
    const transform = options.read('transform', transformType);
    const zone = options.has('timezone') ? options.read('timezone', timezone) : 'UTC';
    const field = clockField.read(value, refuse);
    if (field === undefined || zone === undefined) return undefined;
    const endless = field === 'year' || field === 'unixTime';
    if (transform !== undefined && endless)
      return refuse('a field that comes round, such as `month`, with `transform`');
    return { from: 'clock', field, timezone: zone, ...given(transform) };
  },
};

function given(transform: Transform | undefined): { transform?: Transform } {
  return transform === undefined ? {} : { transform };
}
