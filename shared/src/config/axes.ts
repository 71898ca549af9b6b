import type { Axis } from '../cache/grid';
import { isPlainMap } from './plain-map';
import { showValue } from './problem';
import type { Path, Refuse, ValueType } from './values';

/** Axes: a map of name to a list of values, or to `{ from: 0, to: 6, step: 1 }`. */

const AXIS_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
/** Lone surrogates are no Unicode text, and PostgreSQL holds no U+0000. */
const UNSTORABLE = /[\p{Surrogate}\0]/u;
const MOST_VALUES = 1_000_000;
const MOST_FAULTS = 20;

export const axesType: ValueType<Axis[]> = {
  label: 'map of name to list of numbers or texts, or to `{ from, to, step }`',
  read(raw, refuse) {
    if (!isPlainMap(raw) || Object.keys(raw).length === 0) {
      return refuse('a map with at least one axis, such as hour: { from: 0, to: 23 }');
    }
    return Object.entries(raw).map(([name, values]) => {
      checkName(name, refuse);
      const below: Refuse = (expected, path = []) => refuse(expected, [name, ...path]);
      return { name, values: isPlainMap(values) ? range(values, below) : list(values, below) };
    });
  },
};

function checkName(name: string, refuse: Refuse): void {
  if (name === 'category') refuse('another name: `category` is the partition key, set by `categories`', [name]);
  // A name of digits only would be moved to the front of the map, and with it the order of the cells.
  else if (!AXIS_NAME.test(name)) {
    refuse('a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or `_`', [name]);
  }
}

function list(raw: unknown, refuse: Refuse): (number | string)[] {
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > MOST_VALUES) {
    refuse(`a list of 1 to ${MOST_VALUES} numbers or texts, or { from: 0, to: 6 }`);
    return [];
  }
  const faults = raw.flatMap((value: unknown, position) => {
    const fault = valueFault(value, raw[0]);
    return fault === undefined ? [] : [{ path: [position] as Path, fault }];
  });
  faults.push(...duplicateFaults(raw));
  for (const { path, fault } of faults.slice(0, MOST_FAULTS)) refuse(fault, path);
  if (faults.length > MOST_FAULTS) refuse(`different valid values; ${faults.length - MOST_FAULTS} more are wrong`);
  return raw.map((value) => (value === 0 ? 0 : value));
}

function valueFault(value: unknown, first: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return 'a number, or text written in quotes';
  if (typeof first === 'number' && typeof value === 'string') return 'a number as the first value is';
  if (typeof first === 'string' && typeof value === 'number') return 'text in quotes as the first value is';
  if (typeof value === 'string') {
    return !UNSTORABLE.test(value) ? undefined : 'text without U+0000 and lone surrogates';
  }
  if (!Number.isFinite(value)) return 'a finite number';
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'a number below 2^53, or text in quotes' : undefined;
}

function duplicateFaults(values: readonly unknown[]): { path: Path; fault: string }[] {
  const seen = new Map<unknown, number>();
  return values.flatMap((value, position) => {
    const first = seen.get(value);
    seen.set(value, first ?? position);
    return first === undefined ? [] : [{ path: [position], fault: `each value once; the same is at [${first}]` }];
  });
}

function range(raw: Readonly<Record<string, unknown>>, refuse: Refuse): number[] {
  const { from, to, step = 1, ...others } = raw;
  const unknown = Object.keys(others);
  for (const name of unknown) refuse('only `from`, `to` and `step`, or a list of values', [name]);
  const [first, last, width] = [finite(from, 'from', refuse), finite(to, 'to', refuse), finite(step, 'step', refuse)];
  if (first === undefined || last === undefined || width === undefined) return [];
  if (width <= 0) refuse('a step above 0', ['step']);
  else if (last < first) refuse(`a number not below \`from\`, which is ${showValue(first)}`, ['to']);
  else if ((last - first) / width >= MOST_VALUES) refuse(`at most ${MOST_VALUES} values`);
  else return rangeValues(first, last, width);
  return [];
}

function finite(value: unknown, name: string, refuse: Refuse): number | undefined {
  const safe = typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return safe ? value : refuse('a number', [name]);
}

/** Each value rounded to the decimals that were written, so that 0 to 1 by 0.1 holds 0.3 and not 0.30000000000000004. */
function rangeValues(first: number, last: number, width: number): number[] {
  const decimals = Math.max(decimalsOf(first), decimalsOf(width));
  const count = Math.floor((last - first) / width + 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => Number((first + i * width).toFixed(decimals)));
}

function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return Math.min(100, Math.max(0, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent)));
}
