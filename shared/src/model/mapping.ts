import type { Axis } from '../cache/grid';
import { ForewarmError } from '../errors';
import { INPUT_TYPES, isInputType, OUTPUT_TYPES } from './element-types';
import type { InputSource, ModelMapping, ModelSpec, TensorDescription } from './spec';

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
      checkInput(mapping.name, input);
      return [input.name, sourceOf(mapping, input.name) as InputSource];
    }),
  );
}

/** Axes that no input takes: they multiply the cells of a row, and no prediction depends on them. */
export function unusedAxes({ axes, inputs }: Pick<ModelSpec, 'axes' | 'inputs'>): Axis[] {
  const used = new Set(Object.values(inputs).map((source) => (source.from === 'axis' ? source.axis : undefined)));
  return axes.filter((axis) => !used.has(axis.name));
}

/**
 * The output to store.
 * @throws ForewarmError FW_MODEL_OUTPUT_UNKNOWN, FW_MODEL_TYPE_UNSUPPORTED
 */
export function resolveOutput(
  mapping: Pick<ModelMapping, 'name' | 'output'>,
  outputs: readonly TensorDescription[],
): TensorDescription {
  const names = outputs.map((output) => output.name).join(', ');
  const chosen = mapping.output === undefined ? only(outputs) : outputs.find(({ name }) => name === mapping.output);
  if (chosen === undefined) {
    const what =
      mapping.output === undefined ? 'the model has several outputs' : `no output is named ${mapping.output}`;
    throw new ForewarmError('FW_MODEL_OUTPUT_UNKNOWN', `models.${mapping.name}.output: ${what}; it has ${names}`, {
      next: `Set models.${mapping.name}.output to one of them.`,
    });
  }
  if (!OUTPUT_TYPES.includes(chosen.type)) {
    throw new ForewarmError(
      'FW_MODEL_TYPE_UNSUPPORTED',
      `models.${mapping.name}: output ${chosen.name} has type ${chosen.type}; supported are ${OUTPUT_TYPES.join(', ')}`,
      { next: `Export this output as float or double, or set models.${mapping.name}.output to another one.` },
    );
  }
  return chosen;
}

/**
 * Names of the K values per cell: as configured, else the output's own name, numbered when there are several.
 * @throws ForewarmError FW_MODEL_OUTPUT_SIZE when the configuration names another number of them
 */
export function resolveOutputNames(
  mapping: Pick<ModelMapping, 'name' | 'outputs'>,
  output: string,
  perCell: number,
): string[] {
  if (mapping.outputs !== undefined && mapping.outputs.length !== perCell) {
    throw new ForewarmError(
      'FW_MODEL_OUTPUT_SIZE',
      `models.${mapping.name}.outputs names ${mapping.outputs.length} values, but ${output} gives ${perCell} per cell`,
      { next: `List ${perCell} names under models.${mapping.name}.outputs, or leave it out.` },
    );
  }
  if (mapping.outputs !== undefined) return [...mapping.outputs];
  return perCell === 1 ? [output] : Array.from({ length: perCell }, (_, i) => `${output}_${i}`);
}

function sourceOf(mapping: Pick<ModelMapping, 'axes' | 'inputs'>, input: string): InputSource | undefined {
  // An input may be named `constructor`: what every object inherits is no mapping.
  const configured = Object.hasOwn(mapping.inputs, input) ? mapping.inputs[input] : undefined;
  if (configured !== undefined) return configured;
  if (mapping.axes.some((axis: Axis) => axis.name === input)) return { from: 'axis', axis: input };
  return input === 'category' ? { from: 'category' } : undefined;
}

function checkInput(model: string, input: TensorDescription): void {
  if (!isInputType(input.type)) {
    throw new ForewarmError(
      'FW_MODEL_TYPE_UNSUPPORTED',
      `models.${model}: input ${input.name} has type ${input.type}; supported are ${INPUT_TYPES.join(', ')}`,
    );
  }
  const [batch, width, ...rest] = input.shape;
  const fits = input.shape.length >= 1 && rest.length === 0 && typeof batch !== 'number' && width !== 0;
  if (!fits || (typeof width === 'number' && width !== 1)) {
    throw new ForewarmError(
      'FW_MODEL_SHAPE_UNSUPPORTED',
      `models.${model}: input ${input.name} has shape [${input.shape.join(', ')}]; each input must be [N] or [N, 1]`,
    );
  }
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
