import type { Axis } from '../cache/grid';
import { ForewarmError } from '../errors';
import { columnCount } from './columns';
import { INPUT_TYPES, isInputType, OUTPUT_TYPES } from './element-types';
import { columnsOf, type InputSource, type ModelMapping, type ModelSpec, type TensorDescription } from './spec';

/** Settles which source feeds which model input and which output is stored. Pure: it sees descriptions only. */

/**
 * The source of every input of the model: as configured, else the axis of that name, else the category for an input
 * named `category`.
 * @throws ForewarmError FW_MODEL_INPUT_UNKNOWN, FW_MODEL_INPUT_UNMAPPED, FW_MODEL_TYPE_UNSUPPORTED or FW_MODEL_SHAPE_UNSUPPORTED
 */
export function resolveInputs(
  mapping: Pick<ModelMapping, 'name' | 'axes' | 'inputs'>,
  inputs: readonly TensorDescription[],
): Record<string, InputSource> {
  const names = inputs.map((input) => input.name);
  const stray = Object.keys(mapping.inputs).find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw new ForewarmError(
      'FW_MODEL_INPUT_UNKNOWN',
      `models.${mapping.name}.inputs.${stray}: the model has no such input; it has ${names.join(', ')}`,
    );
  }
  const unmapped = inputs.filter((input) => sourceOf(mapping, input.name) === undefined);
  if (unmapped.length > 0) throw unmappedError(mapping, unmapped);
  return Object.fromEntries(
    inputs.map((input) => {
      const source = sourceOf(mapping, input.name) as InputSource;
      checkInput(mapping, input, source);
      return [input.name, source];
    }),
  );
}

/**
 * The rows of input that a run takes, where the model has that fixed.
 * @throws ForewarmError FW_MODEL_SHAPE_UNSUPPORTED when its inputs have different ones
 */
export function resolveBatch(model: string, inputs: readonly TensorDescription[]): number | undefined {
  const sizes = new Set(inputs.flatMap(({ shape }) => (isFixed(shape[0]) ? [shape[0]] : [])));
  const [size, ...others] = sizes;
  if (others.length === 0) return size;
  throw new ForewarmError(
    'FW_MODEL_SHAPE_UNSUPPORTED',
    `models.${model}: its inputs have the different first dimensions ${[...sizes].join(', ')}; all must have the same, or none`,
  );
}

/** A dimension of 0, of no name or of a name is any. */
function isFixed(dimension: number | string | undefined): dimension is number {
  return typeof dimension === 'number' && dimension > 0;
}

/** Axes that no input takes: they multiply the cells of a row, and no prediction depends on them. */
export function unusedAxes({ axes, inputs }: Pick<ModelSpec, 'axes' | 'inputs'>): Axis[] {
  const sources = Object.values(inputs).flatMap(columnsOf);
  const used = new Set(sources.map((source) => (source.from === 'axis' ? source.axis : undefined)));
  return axes.filter((axis) => !used.has(axis.name));
}

/**
 * The outputs to store.
 * @throws ForewarmError FW_MODEL_OUTPUT_UNKNOWN, FW_MODEL_TYPE_UNSUPPORTED
 */
export function resolveOutputs(
  mapping: Pick<ModelMapping, 'name' | 'output'>,
  outputs: readonly TensorDescription[],
): TensorDescription[] {
  const named = mapping.output === undefined ? undefined : [mapping.output].flat();
  const chosen = named?.map((name) => outputs.find((output) => output.name === name)) ?? [only(outputs)];
  return chosen.map((output, i) => {
    if (output === undefined) throw unknownOutput(mapping.name, named?.[i], outputs);
    if (OUTPUT_TYPES.includes(output.type)) return output;
    throw new ForewarmError(
      'FW_MODEL_TYPE_UNSUPPORTED',
      `models.${mapping.name}: output ${output.name} has type ${output.type}; supported are ${OUTPUT_TYPES.join(', ')}`,
      { next: `Export this output as float or double, or set models.${mapping.name}.output to another one.` },
    );
  });
}

function unknownOutput(model: string, name: string | undefined, outputs: readonly TensorDescription[]): ForewarmError {
  const what = name === undefined ? 'the model has several outputs' : `no output is named ${name}`;
  const has = outputs.map((output) => `${output.name} (${output.type})`).join(', ');
  return new ForewarmError('FW_MODEL_OUTPUT_UNKNOWN', `models.${model}.output: ${what}; it has ${has}`, {
    next: `Set models.${model}.output to one of them.`,
  });
}

/** What the chosen outputs give per cell. */
export interface GivenOutput {
  readonly name: string;
  /** Values per cell. */
  readonly count: number;
  /** Of a classifier, in the order of its columns, where the graph tells. */
  readonly labels: readonly string[] | undefined;
}

export interface ResolvedValues {
  /** Names of the K values per cell that are stored. */
  readonly outputs: string[];
  /** Which of all values per cell these are; `undefined` for all. */
  readonly picked: number[] | undefined;
}

/**
 * The K values per cell and their names: as configured, else the labels of a classifier's classes, else the output's own name, numbered
 * when it gives several.
 * @throws ForewarmError FW_MODEL_OUTPUT_SIZE when the configuration names another number of them, FW_MODEL_CLASS_UNKNOWN
 */
export function resolveValues(
  mapping: Pick<ModelMapping, 'name' | 'outputs' | 'classes'>,
  given: readonly GivenOutput[],
): ResolvedValues {
  const labels = given.flatMap(namesOf);
  const picked = mapping.classes?.map((label) => placeOf(mapping.name, label, given));
  const own = picked === undefined ? labels : picked.map((place) => labels[place] ?? '');
  const { outputs } = mapping;
  if (outputs !== undefined && outputs.length !== own.length) {
    const from = given.map(({ name }) => name).join(' and ');
    const gives = picked === undefined ? `${from} gives ${own.length} per cell` : `classes has ${own.length}`;
    throw new ForewarmError(
      'FW_MODEL_OUTPUT_SIZE',
      `models.${mapping.name}.outputs names ${outputs.length} values, but ${gives}`,
      { next: `List ${own.length} names under models.${mapping.name}.outputs, or leave it out.` },
    );
  }
  return { outputs: outputs === undefined ? own : [...outputs], picked };
}

function namesOf({ name, count, labels }: GivenOutput): string[] {
  if (labels?.length === count && new Set(labels).size === count) return [...labels];
  return count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}_${i}`);
}

function placeOf(model: string, label: string, given: readonly GivenOutput[]): number {
  let before = 0;
  for (const { labels, count } of given) {
    const place = labels?.length === count ? labels.indexOf(label) : -1;
    if (place >= 0) return before + place;
    before += count;
  }
  const known = given.flatMap(({ labels }) => labels ?? []);
  const has =
    known.length === 0
      ? 'the graph does not tell which classes it has'
      : `it has ${known.slice(0, 20).join(', ')}${known.length > 20 ? ` and ${known.length - 20} more` : ''}`;
  throw new ForewarmError('FW_MODEL_CLASS_UNKNOWN', `models.${model}.classes: no class is named ${label}; ${has}`, {
    next: known.length === 0 ? `Name the values under models.${model}.outputs instead.` : undefined,
  });
}

function sourceOf(mapping: Pick<ModelMapping, 'axes' | 'inputs'>, input: string): InputSource | undefined {
  // An input may be named `constructor`: what every object inherits is no mapping.
  const configured = Object.hasOwn(mapping.inputs, input) ? mapping.inputs[input] : undefined;
  if (configured !== undefined) return configured;
  if (mapping.axes.some((axis: Axis) => axis.name === input)) return { from: 'axis', axis: input };
  return input === 'category' ? { from: 'category' } : undefined;
}

function checkInput(mapping: Pick<ModelMapping, 'name' | 'axes'>, input: TensorDescription, source: InputSource): void {
  const { name: model, axes } = mapping;
  const { name, type, shape } = input;
  if (!isInputType(type)) {
    throw new ForewarmError(
      'FW_MODEL_TYPE_UNSUPPORTED',
      `models.${model}: input ${name} has type ${type}; supported are ${INPUT_TYPES.join(', ')}`,
    );
  }
  const columns = columnsOf(source).reduce((sum, column) => sum + columnCount(column, axes), 0);
  const shown = `[${shape.map((dimension) => (isFixed(dimension) ? dimension : dimension || 'N')).join(', ')}]`;
  if (shape.length > 2) {
    throw new ForewarmError(
      'FW_MODEL_SHAPE_UNSUPPORTED',
      `models.${model}: input ${name} has shape ${shown}; an input must be [N] or [N, F], one row for each cell`,
    );
  }
  const width = shape.length === 1 ? 1 : shape[1];
  if (!isFixed(width) || width === columns) return;
  throw new ForewarmError(
    'FW_MODEL_SHAPE_UNSUPPORTED',
    `models.${model}: input ${name} has shape ${shown}, which takes ${width} ${width === 1 ? 'column' : 'columns'}; ` +
      `it is given ${columns}`,
    {
      next: `List its columns in order under models.${model}.inputs.${name}; \`forewarm model inspect\` proposes some.`,
    },
  );
}

function unmappedError(
  mapping: Pick<ModelMapping, 'name' | 'axes'>,
  inputs: readonly TensorDescription[],
): ForewarmError {
  const wanted = inputs.map((input) => input.name).join(', ');
  const axes = mapping.axes.map((axis) => axis.name).join(', ');
  return new ForewarmError(
    'FW_MODEL_INPUT_UNMAPPED',
    `models.${mapping.name}: nothing provides the model input ${wanted}; the axes are ${axes}`,
    { next: `Add an axis named ${inputs[0]?.name}, or map it under models.${mapping.name}.inputs.` },
  );
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
