import type { Axis } from '../cache/grid';
import { ForewarmError } from '../errors';
import { clockPeriod, clockValue } from './clock-values';
import { convert, convertCategory, convertFeature, type Element, type InputType, type Value } from './element-types';
import type { ColumnSource, FeatureRow } from './spec';

/** The columns that one source gives, and what is in them. Pure. */

/** @throws ForewarmError FW_MODEL_INPUT_UNMAPPED when it names an axis that there is not */
export function columnCount(source: ColumnSource, axes: readonly Axis[]): number {
  if (source.from === 'category') return 'as' in source && source.as === 'onehot' ? source.vocabulary.length : 1;
  if (source.from === 'constant' || source.from === 'feature') return 1;
  if (source.transform === undefined) return 1;
  if (source.transform === 'cyclic') return 2;
  if (source.from === 'clock') return clockPeriod(source.field)?.length ?? 1;
  return axisOf(source.axis, axes).values.length;
}

/** What a source gives for each value of its axis, one list of columns per value, in the order of the axis. */
export function axisColumns(
  source: Extract<ColumnSource, { from: 'axis' }>,
  axes: readonly Axis[],
  type: InputType,
  where: string,
): Element[][] {
  const { values } = axisOf(source.axis, axes);
  return values.map((value, position) => {
    const turn = { of: typeof value === 'number' ? value : position, length: values.length };
    return transformed(value, position, source.transform, turn, type, where);
  });
}

/** What a source gives at a moment. */
export function clockColumns(
  source: Extract<ColumnSource, { from: 'clock' }>,
  atMs: number,
  type: InputType,
  where: string,
): Element[] {
  const value = clockValue(source.field, source.timezone, atMs);
  const { first, length } = clockPeriod(source.field) ?? { first: 0, length: 1 };
  return transformed(value, value - first, source.transform, { of: value, length }, type, where);
}

/**
 * What a source gives for a category. The runtime takes what is unknown to a model for something else, and answers: who has a
 * vocabulary is held to it here.
 * @throws ForewarmError FW_MODEL_INPUT_VALUE
 */
export function categoryColumns(
  category: string,
  places: ReadonlyMap<string, number> | undefined,
  source: Extract<ColumnSource, { from: 'category' }>,
  type: InputType,
  where: string,
): Element[] {
  if (!('as' in source)) return [convertCategory(category, type, `the category for ${where}`)];
  const place = places?.get(category);
  if (place === undefined) {
    const what = `the category for ${where}: ${JSON.stringify(category)} is not in its vocabulary`;
    throw new ForewarmError('FW_MODEL_INPUT_VALUE', what, {
      next: 'Add it to the vocabulary, if the model was trained with it; if not, take it out of the categories.',
    });
  }
  if (source.as === 'index') return [convert(place, type, where)];
  return onehot(place, source.vocabulary.length, type, where);
}

/**
 * What a feature of a category gives. The runtime takes a NaN as well, and answers with something.
 * @param place of the feature in the row
 * @throws ForewarmError FW_FEATURE_MISSING, FW_MODEL_INPUT_VALUE
 */
export function featureColumns(
  category: string,
  row: FeatureRow | undefined,
  place: number,
  source: Extract<ColumnSource, { from: 'feature' }>,
  type: InputType,
  where: string,
): Element[] {
  const value = row?.[place] ?? null;
  const what = `feature ${source.feature} of ${JSON.stringify(category)}`;
  if (value === null) throw new ForewarmError('FW_FEATURE_MISSING', `${what} is missing, for ${where}`);
  return [convertFeature(value, type, `${what} for ${where}`)];
}

interface Turn {
  readonly of: number;
  readonly length: number;
}

function transformed(
  value: Value,
  position: number,
  transform: 'onehot' | 'cyclic' | undefined,
  turn: Turn,
  type: InputType,
  where: string,
): Element[] {
  if (transform === undefined) return [convert(value, type, where)];
  if (transform === 'onehot') return onehot(position, turn.length, type, where);
  const angle = (2 * Math.PI * turn.of) / turn.length;
  return [Math.sin(angle), Math.cos(angle)].map((part) => convert(part, type, where));
}

function onehot(place: number, length: number, type: InputType, where: string): Element[] {
  return Array.from({ length }, (_, i) => convert(i === place ? 1 : 0, type, where));
}

function axisOf(name: string, axes: readonly Axis[]): Axis {
  const axis = axes.find((candidate) => candidate.name === name);
  if (axis !== undefined) return axis;
  const known = axes.map((candidate) => candidate.name).join(', ');
  throw new ForewarmError('FW_MODEL_INPUT_UNMAPPED', `no axis is named ${name}; the axes are ${known}`);
}
