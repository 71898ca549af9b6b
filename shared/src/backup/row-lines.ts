import { encodeRow, type RowFrame, type RowView } from '../cache/row';
import type { RowLine, ValueForm } from './documents';
import { shortDecimal } from './short-decimal';

/** One row of a backup. */
export interface BackupRow {
  readonly category: string;
  /** The packed row, as the cache has it. */
  readonly bytes: Buffer;
  /** Milliseconds since 1970 UTC. */
  readonly computedAtMs: number;
  /** Hash of the inputs that it was computed from, where they are tracked. */
  readonly inputs: Buffer | undefined;
}

/** Rows that were computed later than this are nobody's: a date does not hold the time. */
export const LATEST_MS = 8.64e15;

/**
 * A row as one line of JSON, without the line break.
 * @throws RangeError when the row's time is beyond `LATEST_MS`
 */
export function writeRowLine(category: string, row: RowView, inputs: Buffer | undefined, form: ValueForm): string {
  const head: RowLine = {
    category,
    computedAt: new Date(row.computedAtMs).toISOString(),
    ...(inputs === undefined ? {} : { inputs: inputs.toString('hex') }),
  };
  const numbers = form === 'numbers' ? numbersOf(row.values) : undefined;
  const values = numbers === undefined ? `"packed":"${base64Of(row.values)}"` : `"values":${numbers}`;
  return `${JSON.stringify(head).slice(0, -1)},${values}}`;
}

/** As a list of JSON; `undefined` where one is no number of JSON. */
function numbersOf(values: Float32Array): string | undefined {
  const decimals = new Array<number>(values.length);
  let signedZero = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) return undefined;
    decimals[i] = value === 0 ? value : shortDecimal(value);
    signedZero ||= Object.is(value, -0);
  }
  // JSON has a negative zero, and reads it, but `stringify` writes none.
  if (!signedZero) return JSON.stringify(decimals);
  return `[${decimals.map((value) => (Object.is(value, -0) ? '-0' : `${value}`)).join(',')}]`;
}

function base64Of(values: Float32Array): string {
  return littleEndian(Buffer.from(values.buffer, values.byteOffset, values.byteLength)).toString('base64');
}

const LITTLE_ENDIAN_HOST = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** The bytes of float32 values in the order of the format; a copy where the host has another. */
function littleEndian(bytes: Buffer): Buffer {
  return LITTLE_ENDIAN_HOST ? bytes : Buffer.from(bytes).swap32();
}

/**
 * Reads a row from the parsed line of a backup.
 * @returns the values, or what is wrong with the line
 */
export function readRowLine(line: object, valuesOfRow: number): ParsedRow | string {
  const { category, computedAt, inputs, values, packed, ...others } = line as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) return `a row has no field ${JSON.stringify(other)}`;
  if (typeof category !== 'string' || category === '') return 'category is no text';
  const computedAtMs = typeof computedAt === 'string' ? Date.parse(computedAt) : Number.NaN;
  if (!(computedAtMs >= 0) || new Date(computedAtMs).toISOString() !== computedAt) return 'computedAt is no time';
  if (inputs !== undefined && !(typeof inputs === 'string' && /^([0-9a-f]{2})+$/.test(inputs)))
    return 'inputs is no hash';
  if ((values === undefined) === (packed === undefined)) return 'a row has either values or packed';
  const floats = values === undefined ? unpacked(packed, valuesOfRow) : singles(values, valuesOfRow);
  if (typeof floats === 'string') return floats;
  const hash = inputs === undefined ? undefined : Buffer.from(inputs, 'hex');
  return { category, computedAtMs, inputs: hash, values: floats };
}

export interface ParsedRow {
  readonly category: string;
  readonly computedAtMs: number;
  readonly inputs: Buffer | undefined;
  readonly values: Float32Array;
}

export function packRow(row: ParsedRow, frame: RowFrame): BackupRow {
  const { category, computedAtMs, inputs } = row;
  return { category, computedAtMs, inputs, bytes: encodeRow(frame, row.values, computedAtMs) };
}

function singles(values: unknown, count: number): Float32Array | string {
  if (!Array.isArray(values)) return 'values is no list';
  if (values.length !== count) return `${values.length} values instead of ${count}`;
  const floats = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value: unknown = values[i];
    const single = typeof value === 'number' ? Math.fround(value) : Number.NaN;
    if (!Number.isFinite(single)) return `value ${i} is no finite number of single precision`;
    floats[i] = single;
  }
  return floats;
}

function unpacked(packed: unknown, count: number): Float32Array | string {
  if (typeof packed !== 'string') return 'packed is no text';
  const bytes = Buffer.from(packed, 'base64');
  if (bytes.length !== 4 * count) return `${bytes.length} packed bytes instead of ${4 * count}`;
  // Texts that differ must not mean the same.
  if (bytes.toString('base64') !== packed) return 'packed is no base64';
  const ordered = littleEndian(bytes);
  return new Float32Array(Uint8Array.prototype.slice.call(ordered).buffer);
}
