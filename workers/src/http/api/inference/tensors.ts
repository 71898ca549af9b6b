import type { Axis, Coordinates } from '#shared/cache/grid';
import { ForewarmError } from '#shared/errors';

/** Tensors of the Open Inference Protocol, as JSON has them. */

export type Datatype = 'INT64' | 'FP32' | 'BYTES';

export interface InputTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  /** Flat, or lists in a list. */
  readonly data: readonly unknown[];
}

export interface Element {
  readonly category: string;
  readonly coordinates: Coordinates;
}

export const CATEGORY = 'category';

const INTEGERS = /^U?INT(8|16|32|64)$/;
const NUMBERS = /^FP(32|64)$/;

/** The datatype of the input that an axis is given by. */
export function datatypeOf({ values }: Axis): Datatype {
  if (typeof values[0] === 'string') return 'BYTES';
  return values.every((value) => Number.isInteger(value)) ? 'INT64' : 'FP32';
}

/**
 * What is asked for, one element of the tensors after the other.
 * @throws ForewarmError FW_HTTP_BAD_REQUEST, FW_HTTP_TOO_LARGE; FW_CELL_UNKNOWN for an input that is no axis
 */
export function elementsOf(inputs: readonly InputTensor[], axes: readonly Axis[], maxBatch: number): Element[] {
  const columns = new Map<string, readonly (number | string)[]>();
  for (const input of inputs) {
    if (columns.has(input.name)) throw bad(`input ${input.name} is given twice`);
    columns.set(input.name, columnOf(input, axes));
  }
  const categories = columns.get(CATEGORY);
  if (categories === undefined)
    throw bad(`input ${CATEGORY} is missing: a tensor of BYTES with one category for each element`);
  const count = categories.length;
  if (count > maxBatch) {
    throw new ForewarmError('FW_HTTP_TOO_LARGE', `${count} elements are more than the ${maxBatch} of one request`);
  }
  for (const { name } of axes) {
    const length = columns.get(name)?.length;
    if (length === undefined)
      throw bad(`input ${name} is missing: the inputs are ${CATEGORY} and the axes ${namesOf(axes)}`);
    if (length !== count) throw bad(`input ${name} has ${length} elements, and ${CATEGORY} has ${count}`);
  }
  return categories.map((category, i) => ({
    category: String(category),
    coordinates: Object.fromEntries(axes.map(({ name }) => [name, columns.get(name)?.[i] ?? ''])),
  }));
}

function columnOf({ name, shape, datatype, data }: InputTensor, axes: readonly Axis[]): readonly (number | string)[] {
  const axis = axes.find((one) => one.name === name);
  if (axis === undefined && name !== CATEGORY) {
    throw new ForewarmError(
      'FW_CELL_UNKNOWN',
      `there is no input ${name}; the inputs are ${CATEGORY} and the axes ${namesOf(axes)}`,
    );
  }
  if (shape.length === 0 || shape.length > 2 || (shape[1] ?? 1) !== 1) {
    throw bad(`input ${name} has the shape [${shape.join(', ')}]; expected [n] or [n, 1]`);
  }
  const flat = data.flat(1);
  if (flat.length !== shape[0]) {
    throw bad(`input ${name} has ${flat.length} values, and its shape says ${shape[0]}`);
  }
  const read = reader(datatype, axis);
  if (read === undefined) {
    const wanted = axis === undefined ? 'BYTES' : datatypeOf(axis);
    throw bad(`input ${name} has the datatype ${datatype}; expected ${wanted}`);
  }
  return flat.map((value, i) => {
    const taken = read(value);
    if (taken === undefined) throw bad(`input ${name} has at ${i} a value that is no ${datatype}`);
    return taken;
  });
}

type Read = (value: unknown) => number | string | undefined;

/** How the elements of an input are taken; `undefined` for a datatype that it does not take. */
function reader(datatype: string, axis: Axis | undefined): Read | undefined {
  if (datatype === 'BYTES') return (value) => (typeof value === 'string' ? value : undefined);
  if (axis === undefined) return undefined;
  if (INTEGERS.test(datatype)) return (value) => (Number.isInteger(value) ? (value as number) : undefined);
  if (!NUMBERS.test(datatype)) return undefined;
  // 0.1 on its way through a float32 is not 0.1 any more.
  const exact = new Map(axis.values.map((value) => [Math.fround(Number(value)), value]));
  return (value) => (typeof value === 'number' ? (exact.get(Math.fround(value)) ?? value) : undefined);
}

function namesOf(axes: readonly Axis[]): string {
  return axes.map(({ name }) => name).join(', ');
}

function bad(message: string): ForewarmError {
  return new ForewarmError('FW_HTTP_BAD_REQUEST', message);
}
