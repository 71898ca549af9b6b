import { ForewarmError } from '../errors';

/** The element types that a model input may have, and how values of the grid become tensor data of that type. */

export type InputType = 'int64' | 'int32' | 'float32' | 'float64' | 'bool' | 'string';
export type TensorData = BigInt64Array | Int32Array | Float32Array | Float64Array | Uint8Array | string[];

export const INPUT_TYPES: readonly InputType[] = ['int64', 'int32', 'float32', 'float64', 'bool', 'string'];
/** Output types that are stored as float32: float64 rounded to the nearest, whole numbers as long as they are the same there. */
export const OUTPUT_TYPES: readonly string[] = ['float32', 'float64', 'int64', 'int32', 'bool'];

export function isInputType(type: string): type is InputType {
  return (INPUT_TYPES as readonly string[]).includes(type);
}

export function allocate(type: InputType, length: number): TensorData {
  switch (type) {
    case 'int64':
      return new BigInt64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'bool':
      return new Uint8Array(length);
    case 'string':
      return new Array<string>(length).fill('');
  }
}

/** The first `length` elements without a copy where the type allows. */
export function head(data: TensorData, length: number): TensorData {
  return Array.isArray(data) ? data.slice(0, length) : data.subarray(0, length);
}

const INT32_LIMIT = 2 ** 31;

/** What the grid has for an input. */
export type Value = number | string | boolean;
/** What the data of a tensor hold. */
export type Element = bigint | number | string;

/**
 * One value of an axis, a constant or a category, converted to what `type` holds.
 * @throws ForewarmError FW_MODEL_INPUT_VALUE when it cannot be held exactly enough: text for a number, a fraction for an
 * integer, an integer beyond 32 or 53 bits.
 */
export function convert(value: Value, type: InputType, where: string): Element {
  if (typeof value === 'boolean') return type === 'string' ? String(value) : convert(value ? 1 : 0, type, where);
  if (type === 'string') return String(value);
  if (typeof value === 'string') throw misfit(value, type, where, 'it is text');
  if (type === 'bool') {
    if (value !== 0 && value !== 1) throw misfit(value, type, where, 'it is neither 0 nor 1');
    return value;
  }
  if (type === 'float64') return value;
  if (type === 'float32') return toFloat32(value, where);
  if (!Number.isInteger(value)) throw misfit(value, type, where, 'it is no whole number');
  if (!Number.isSafeInteger(value)) throw misfit(value, type, where, 'it is beyond 53 bits');
  if (type === 'int64') return BigInt(value);
  if (value < -INT32_LIMIT || value >= INT32_LIMIT) throw misfit(value, type, where, 'it is beyond 32 bits');
  return value;
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

/**
 * A category as what `type` holds: itself for text, and its number where it is written as one, such as the id of a shop.
 * @throws ForewarmError FW_MODEL_INPUT_VALUE as `convert` does
 */
export function convertCategory(category: string, type: InputType, where: string): Element {
  return convert(type !== 'string' && DECIMAL.test(category) ? Number(category) : category, type, where);
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TRUTHS: Readonly<Record<string, boolean>> = { true: true, false: false, True: true, False: false };

/**
 * A feature as what `type` holds: text that is written as a number, true or false, as files have them, is that. It was measured, and is
 * rounded to the nearest float32 as in training.
 * @throws ForewarmError FW_MODEL_INPUT_VALUE as `convert` does
 */
export function convertFeature(value: Value, type: InputType, where: string): Element {
  if (type === 'string') return String(value);
  const meant = typeof value === 'string' ? meaning(value) : value;
  if (type !== 'float32' || typeof meant !== 'number') return convert(meant, type, where);
  const rounded = Math.fround(meant);
  if (!Number.isFinite(rounded)) throw misfit(meant, type, where, 'it is beyond its range');
  return rounded;
}

function meaning(text: string): Value {
  if (NUMBER.test(text)) return Number(text);
  return Object.hasOwn(TRUTHS, text) ? (TRUTHS[text] as boolean) : text;
}

/** A fraction is rounded to the nearest float32; a whole number that would become another one is refused. */
function toFloat32(value: number, where: string): number {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw misfit(value, 'float32', where, 'it is beyond its range');
  if (Number.isInteger(value) && rounded !== value) throw misfit(value, 'float32', where, 'it is beyond 24 bits');
  return value;
}

function misfit(value: number | string, type: InputType, where: string, why: string): ForewarmError {
  return new ForewarmError(
    'FW_MODEL_INPUT_VALUE',
    `${where}: ${JSON.stringify(value)} cannot be given as ${type}: ${why}`,
  );
}

/** A whole number beyond this may become another one as float32. */
const WHOLE_LIMIT = 2 ** 24;

/**
 * The data of an output as float32; the same array where it is one.
 * @throws ForewarmError FW_VALUE_INEXACT for a whole number that float32 does not hold, FW_MODEL_TYPE_UNSUPPORTED
 */
export function asFloat32(data: unknown, where: string): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (data instanceof Int32Array || data instanceof Uint8Array || data instanceof BigInt64Array) {
    return Float32Array.from(data as Iterable<number | bigint>, (value) => exactly(Number(value), where));
  }
  throw new ForewarmError('FW_MODEL_TYPE_UNSUPPORTED', `${where} gave values of no supported type`);
}

function exactly(value: number, where: string): number {
  if (Math.abs(value) <= WHOLE_LIMIT) return value;
  throw new ForewarmError(
    'FW_VALUE_INEXACT',
    `${where} gave ${value}, which is beyond the 24 bits that float32 holds exactly`,
  );
}
