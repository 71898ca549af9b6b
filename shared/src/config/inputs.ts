import { isPlainMap } from './plain-map';
import type { InputSource } from './types';
import type { Refuse, ValueType } from './values';

/** What model inputs are fed with: a map of input name to `{ axis }`, `{ category: true }` or `{ constant }`. */

const EXPECTED = 'one of { axis: NAME }, { category: true } and { constant: VALUE }';

export const inputsType: ValueType<Record<string, InputSource>> = {
  label: 'map of input name to `{ axis: NAME }`, `{ category: true }` or `{ constant: VALUE }`',
  read(raw, refuse) {
    if (!isPlainMap(raw)) return refuse(`a map of input name to ${EXPECTED}`);
    const sources = Object.entries(raw).flatMap(([name, given]) => {
      const source = inputSource(given, (expected, path = []) => refuse(expected, [name, ...path]));
      return source === undefined ? [] : [[name, source] as const];
    });
    return Object.fromEntries(sources);
  },
};

function inputSource(given: unknown, refuse: Refuse): InputSource | undefined {
  const [entry, ...others] = isPlainMap(given) ? Object.entries(given) : [];
  if (entry === undefined || others.length > 0) return refuse(EXPECTED);
  const [kind, value] = entry;
  if (kind === 'axis') return typeof value === 'string' ? { from: 'axis', axis: value } : refuse('an axis', [kind]);
  if (kind === 'category') return value === true ? { from: 'category' } : refuse('`true`', [kind]);
  if (kind === 'constant') {
    const usable = typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
    return usable ? { from: 'constant', value } : refuse('a finite number, or text written in quotes', [kind]);
  }
  return refuse(EXPECTED);
}
