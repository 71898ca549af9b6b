import { ForewarmError } from '#shared/errors';

/**
 * Tensors as bytes behind the JSON of a request, Triton's extension of the protocol, which its client uses unless it is told
 * otherwise: all numbers are little-endian, and each text has its length before it.
 */

interface BinaryInput {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly parameters?: { readonly binary_data_size?: unknown };
  data?: unknown[];
}

type ReadNumber = (bytes: Buffer, offset: number) => number;

const NUMBERS: ReadonlyMap<unknown, readonly [width: number, read: ReadNumber]> = new Map([
  ['INT8', [1, (bytes: Buffer, at: number) => bytes.readInt8(at)]],
  ['INT16', [2, (bytes: Buffer, at: number) => bytes.readInt16LE(at)]],
  ['INT32', [4, (bytes: Buffer, at: number) => bytes.readInt32LE(at)]],
  ['INT64', [8, (bytes: Buffer, at: number) => Number(bytes.readBigInt64LE(at))]],
  ['UINT8', [1, (bytes: Buffer, at: number) => bytes.readUInt8(at)]],
  ['UINT16', [2, (bytes: Buffer, at: number) => bytes.readUInt16LE(at)]],
  ['UINT32', [4, (bytes: Buffer, at: number) => bytes.readUInt32LE(at)]],
  ['UINT64', [8, (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at))]],
  ['FP32', [4, (bytes: Buffer, at: number) => bytes.readFloatLE(at)]],
  ['FP64', [8, (bytes: Buffer, at: number) => bytes.readDoubleLE(at)]],
] satisfies [string, readonly [number, ReadNumber]][]);

/**
 * Gives each input that names its size the data that it has in `bytes`, one input behind the other.
 * @param body as its JSON says; whether it is a request at all is not known yet
 * @throws ForewarmError FW_HTTP_BAD_REQUEST
 */
export function takeBinary(body: unknown, bytes: Buffer): void {
  const inputs = (body as { inputs?: unknown } | null)?.inputs;
  let taken = 0;
  for (const input of Array.isArray(inputs) ? (inputs as (BinaryInput | null)[]) : []) {
    const size = input?.parameters?.binary_data_size;
    if (input === null || size === undefined) continue;
    if (!Number.isInteger(size) || (size as number) < 0 || taken + (size as number) > bytes.length) {
      throw bad(`input ${said(input.name)} says that it has ${said(size)} bytes, and ${bytes.length - taken} are left`);
    }
    const end = taken + (size as number);
    input.data = decoded(input, bytes.subarray(taken, end));
    taken = end;
  }
  if (taken < bytes.length) throw bad(`${bytes.length - taken} bytes behind the JSON belong to no input`);
}

/** What a body has in the place of a text or a number may be anything. */
function said(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value));
}

function decoded({ name, datatype }: BinaryInput, bytes: Buffer): unknown[] {
  if (datatype === 'BYTES') return texts(said(name), bytes);
  const [width, read] = NUMBERS.get(datatype) ?? [];
  if (width === undefined || read === undefined) throw bad(`input ${said(name)} has the datatype ${said(datatype)}`);
  if (bytes.length % width !== 0) throw bad(`input ${said(name)} has ${bytes.length} bytes, which are no ${datatype}`);
  return Array.from({ length: bytes.length / width }, (_, i) => read(bytes, i * width));
}

function texts(name: string, bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4;
    const end = start <= bytes.length ? start + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw bad(`input ${name} ends within a text`);
    found.push(bytes.toString('utf8', start, end));
    at = end;
  }
  return found;
}

function bad(message: string): ForewarmError {
  return new ForewarmError('FW_HTTP_BAD_REQUEST', message);
}
