import { crc32c } from '@node-rs/crc32';

/**
 * The row codec: all cells of one category as one packed binary value, little-endian. `docs/cache-format.md` is the
 * public description; golden files under `tests/golden` hold the two together.
 *
 *   0  4  magic "FWR1"          8  4  cells, C                 28  4  CRC-32C of bytes 0..27 and 32..end
 *   4  1  value type, 1=float32 12 8  computed at, ms          32  4*K*C values, cell by cell, K per cell
 *   5  1  flags, 0              20 8  identity, first 8 bytes
 *   6  2  outputs per cell, K
 */

export const ROW_HEADER_BYTES = 32;
export const IDENTITY_BYTES = 8;
const MAGIC = 0x31525746; // "FWR1" read as a little-endian 32-bit integer
const VALUE_TYPE_FLOAT32 = 1;
const IDENTITY_OFFSET = 20;
const CHECKSUM_OFFSET = 28;

/** What a row holds: `cells` combinations of axis values (C) with `outputs` float32 values each (K). */
export interface RowShape {
  readonly cells: number;
  readonly outputs: number;
}

/** What the rows of one generation have in common, and what a reader expects to find. */
export interface RowFrame extends RowShape {
  /** First 8 bytes of the generation's identity hash. */
  readonly identity: Uint8Array;
}

/** Why stored bytes are not a row that may be returned. */
export type RowFault = 'magic' | 'value type' | 'length' | 'identity' | 'checksum';

export interface Row extends RowShape {
  /** Milliseconds since 1970 UTC. */
  readonly computedAtMs: number;
  readonly identity: Uint8Array;
  /** K·C values, cell by cell in axis order (the last axis varies fastest). */
  readonly values: Float32Array;
}

export type DecodedRow = { readonly ok: true; readonly row: Row } | { readonly ok: false; readonly fault: RowFault };

/** Length in bytes of a row of this shape. */
export function rowByteLength(shape: RowShape): number {
  return ROW_HEADER_BYTES + 4 * shape.cells * shape.outputs;
}

/**
 * Packs one row. `values` holds K·C floats; it may be a view into a larger buffer and is copied.
 * @throws RangeError when `values` has another length than the shape or the identity is short: faults of the caller.
 */
export function encodeRow(frame: RowFrame, values: Float32Array, computedAtMs: number): Buffer {
  const expected = frame.cells * frame.outputs;
  if (values.length !== expected)
    throw new RangeError(`a row of this shape holds ${expected} values, not ${values.length}`);
  if (frame.identity.length < IDENTITY_BYTES) throw new RangeError(`an identity has ${IDENTITY_BYTES} bytes or more`);
  const bytes = Buffer.allocUnsafe(rowByteLength(frame));
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt8(VALUE_TYPE_FLOAT32, 4);
  bytes.writeUInt8(0, 5);
  bytes.writeUInt16LE(frame.outputs, 6);
  bytes.writeUInt32LE(frame.cells, 8);
  bytes.writeBigUInt64LE(BigInt(computedAtMs), 12);
  bytes.set(frame.identity.subarray(0, IDENTITY_BYTES), IDENTITY_OFFSET);
  writeFloats(bytes, values);
  bytes.writeUInt32LE(checksum(bytes), CHECKSUM_OFFSET);
  return bytes;
}

/**
 * Reads a row and checks all of it: magic, value type, length, checksum and, where `expected` is given, shape and
 * identity. Never throws for bad bytes: a fault is an answer. Unknown flags are ignored, as the format asks.
 */
export function decodeRow(bytes: Uint8Array, expected?: RowFrame): DecodedRow {
  const row = viewRow(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (!(row instanceof RowView)) return { ok: false, fault: row };
  if (expected !== undefined) {
    if (row.cells !== expected.cells || row.outputs !== expected.outputs) return { ok: false, fault: 'length' };
    if (!row.isOf(expected.identity)) return { ok: false, fault: 'identity' };
  }
  const { outputs, cells, computedAtMs, identity, values } = row;
  return { ok: true, row: { outputs, cells, computedAtMs, identity, values } };
}

/** Checks a row in itself: magic, value type, length and checksum. Nothing is copied; the bytes must stay as they are. */
export function viewRow(bytes: Buffer): RowView | RowFault {
  if (bytes.length < ROW_HEADER_BYTES) return 'length';
  if (bytes.readUInt32LE(0) !== MAGIC) return 'magic';
  if (bytes[4] !== VALUE_TYPE_FLOAT32) return 'value type';
  const row = new RowView(bytes);
  if (bytes.length !== rowByteLength(row)) return 'length';
  return bytes.readUInt32LE(CHECKSUM_OFFSET) === checksum(bytes) ? row : 'checksum';
}

/** A row in its bytes, for who needs few of its values. */
export class RowView implements Row {
  readonly bytes: Buffer;
  readonly outputs: number;
  readonly cells: number;
  readonly computedAtMs: number;

  /** @param bytes those of a row of the format; see `viewRow` */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.outputs = bytes.readUInt16LE(6);
    this.cells = bytes.readUInt32LE(8);
    this.computedAtMs = bytes.readUInt32LE(12) + bytes.readUInt32LE(16) * 2 ** 32;
  }

  /** A copy. */
  get identity(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.bytes, IDENTITY_OFFSET, IDENTITY_OFFSET + IDENTITY_BYTES);
  }

  /** A copy: aligned, and it keeps no larger buffer alive. */
  get values(): Float32Array {
    return readFloats(this.bytes);
  }

  /** One of the K·C values. */
  value(position: number): number {
    return this.bytes.readFloatLE(ROW_HEADER_BYTES + 4 * position);
  }

  /** Whether the identity begins with these bytes, of which 8 are looked at. */
  isOf(identity: Uint8Array): boolean {
    const length = Math.min(identity.length, IDENTITY_BYTES);
    for (let i = 0; i < length; i++) if (this.bytes[IDENTITY_OFFSET + i] !== identity[i]) return false;
    return true;
  }
}

/** Byte range of one cell's values within a row, for `GETRANGE`: both ends included. */
export function cellByteRange(shape: RowShape, cell: number): { readonly first: number; readonly last: number } {
  const first = ROW_HEADER_BYTES + 4 * shape.outputs * cell;
  return { first, last: first + 4 * shape.outputs - 1 };
}

/** CRC-32C of each byte: polynomial 1EDC6F41, reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/**
 * CRC-32C (Castagnoli) over everything but the four bytes of the checksum itself. The header is so short that a call of the
 * library would cost more than it.
 */
function checksum(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (let i = 0; i < CHECKSUM_OFFSET; i++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc32c(bytes.subarray(ROW_HEADER_BYTES), (crc ^ 0xffffffff) >>> 0);
}

const LITTLE_ENDIAN_HOST = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

function writeFloats(bytes: Buffer, values: Float32Array): void {
  if (LITTLE_ENDIAN_HOST) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), ROW_HEADER_BYTES);
    return;
  }
  values.forEach((value, i) => {
    bytes.writeFloatLE(value, ROW_HEADER_BYTES + 4 * i);
  });
}

/** A copy, so that the values are aligned and do not keep a pooled buffer alive. */
function readFloats(bytes: Buffer): Float32Array {
  if (LITTLE_ENDIAN_HOST) return new Float32Array(Uint8Array.prototype.slice.call(bytes, ROW_HEADER_BYTES).buffer);
  const values = new Float32Array((bytes.length - ROW_HEADER_BYTES) / 4);
  for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(ROW_HEADER_BYTES + 4 * i);
  return values;
}
