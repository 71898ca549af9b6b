import { crc32c } from '@node-rs/crc32';
import { cellByteRange, decodeRow, encodeRow, ROW_HEADER_BYTES, type RowFrame, rowByteLength } from '#shared/cache/row';

const frame: RowFrame = { cells: 2, outputs: 1, identity: Buffer.from('0102030405060708', 'hex') };
const vector = '4657523101000100020000000068e5cf8b01000001020304050607089fc0e1020000c03f000000c0';
const computedAtMs = 1_700_000_000_000;

/** The test vector with some bytes replaced, and with a checksum that fits unless `stale` asks for the old one. */
function tampered(changes: Readonly<Record<number, number>>, checksum: 'mended' | 'stale' = 'mended'): Buffer {
  const bytes = Buffer.from(vector, 'hex');
  for (const [offset, value] of Object.entries(changes)) bytes[Number(offset)] = value;
  if (checksum === 'mended') {
    bytes.writeUInt32LE(crc32c(Buffer.concat([bytes.subarray(0, 28), bytes.subarray(32)])), 28);
  }
  return bytes;
}

test('the checksum is CRC-32C, and not the CRC-32 of zlib', () => {
  expect(crc32c('123456789')).toBe(0xe3069283);
});

test('the test vector of the format', () => {
  expect(encodeRow(frame, Float32Array.of(1.5, -2), computedAtMs).toString('hex')).toBe(vector);
  const decoded = decodeRow(Buffer.from(vector, 'hex'), frame);
  expect(decoded).toEqual({
    ok: true,
    row: {
      cells: 2,
      outputs: 1,
      computedAtMs,
      identity: expect.anything(),
      values: Float32Array.of(1.5, -2),
    },
  });
  expect(decoded.ok && Buffer.from(decoded.row.identity).toString('hex')).toBe('0102030405060708');
});

test('a row of the sample is 704 bytes, and one value of it is read by its range', () => {
  const sample = { cells: 168, outputs: 1 };
  expect(rowByteLength(sample)).toBe(704);
  const values = Float32Array.from({ length: 168 }, (_, cell) => cell / 4);
  const bytes = encodeRow({ ...sample, identity: frame.identity }, values, computedAtMs);
  const [day, hour] = [3, 17];
  const { first, last } = cellByteRange(sample, day * 24 + hour);
  expect([first, last]).toEqual([32 + 4 * 89, 35 + 4 * 89]);
  expect(bytes.subarray(first, last + 1).readFloatLE()).toBe(89 / 4);
});

test('the range of a cell spans all of its values', () => {
  expect(cellByteRange({ cells: 4, outputs: 3 }, 0)).toEqual({ first: 32, last: 43 });
  expect(cellByteRange({ cells: 4, outputs: 3 }, 3)).toEqual({ first: 68, last: 79 });
  expect(rowByteLength({ cells: 4, outputs: 3 })).toBe(80);
});

test.each([
  ['the magic', tampered({ 3: 0x32 }), 'magic'],
  ['the value type', tampered({ 4: 2 }), 'value type'],
  ['more outputs than there are values', tampered({ 6: 2 }), 'length'],
  ['fewer cells than there are values', tampered({ 8: 1 }), 'length'],
  ['a value', tampered({ 32: 1 }, 'stale'), 'checksum'],
  ['the time', tampered({ 12: 1 }, 'stale'), 'checksum'],
  ['the identity', tampered({ 20: 0xff }, 'stale'), 'checksum'],
  ['the flags', tampered({ 5: 1 }, 'stale'), 'checksum'],
  ['the checksum', tampered({ 28: 0 }, 'stale'), 'checksum'],
  ['the identity, whole otherwise', tampered({ 20: 0xff }), 'identity'],
  ['the last byte of the identity, whole otherwise', tampered({ 27: 0xff }), 'identity'],
])('a fault in %s is told', (_, bytes, fault) => {
  expect(decodeRow(bytes, frame)).toEqual({ ok: false, fault });
});

test('without an expected frame any identity is accepted, and so is any shape', () => {
  expect(decodeRow(tampered({ 20: 0xff }))).toMatchObject({ ok: true, row: { cells: 2 } });
});

test('unknown flags are ignored when the checksum covers them', () => {
  expect(decodeRow(tampered({ 5: 0x80 }), frame)).toMatchObject({
    ok: true,
    row: { values: Float32Array.of(1.5, -2) },
  });
});

test.each([
  ['other cells', { ...frame, cells: 3 }],
  ['other outputs', { ...frame, outputs: 2 }],
  ['the same number of values in another shape', { ...frame, cells: 1, outputs: 2 }],
])('a whole row of %s than expected has the wrong length', (_, expected) => {
  expect(decodeRow(Buffer.from(vector, 'hex'), expected)).toEqual({ ok: false, fault: 'length' });
});

test('a row that is cut or goes on is refused at every length', () => {
  const bytes = Buffer.from(vector, 'hex');
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeRow(bytes.subarray(0, length))).toEqual({ ok: false, fault: 'length' });
  }
  for (const more of [1, 3, 4, 40]) {
    expect(decodeRow(Buffer.concat([bytes, Buffer.alloc(more)]))).toEqual({ ok: false, fault: 'length' });
  }
});

test('a row whose header promises more than memory holds is refused by its length', () => {
  expect(decodeRow(tampered({ 6: 0xff, 7: 0xff, 8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff }))).toEqual({
    ok: false,
    fault: 'length',
  });
});

test('bytes decode at every alignment', () => {
  for (let offset = 0; offset < 9; offset++) {
    const bytes = Buffer.concat([Buffer.alloc(offset, 0xee), Buffer.from(vector, 'hex'), Buffer.alloc(3, 0xee)]);
    const slice = bytes.subarray(offset, bytes.length - 3);
    expect(decodeRow(slice, frame)).toMatchObject({ ok: true, row: { values: Float32Array.of(1.5, -2) } });
    expect(decodeRow(new Uint8Array(slice), frame).ok).toBe(true);
  }
});

test('what is decoded does not change with the bytes that it came from', () => {
  const bytes = Buffer.from(vector, 'hex');
  const decoded = decodeRow(bytes, frame);
  bytes.fill(0xff);
  expect(decoded).toMatchObject({ ok: true, row: { values: Float32Array.of(1.5, -2) } });
  if (!decoded.ok) throw new Error('the row was refused');
  expect(Buffer.from(decoded.row.identity).toString('hex')).toBe('0102030405060708');
  expect(decoded.row.values.buffer.byteLength).toBe(8);
});

test('what is encoded does not change with the values that it came from', () => {
  const values = Float32Array.of(7, 1.5, -2, 7).subarray(1, 3);
  const bytes = encodeRow(frame, values, computedAtMs);
  values.fill(0);
  expect(bytes.toString('hex')).toBe(vector);
});

test('only the first 8 bytes of a longer identity are stored', () => {
  const identity = Buffer.concat([frame.identity, Buffer.alloc(24, 0xff)]);
  expect(encodeRow({ ...frame, identity }, Float32Array.of(1.5, -2), computedAtMs).toString('hex')).toBe(vector);
});

test('a short identity is a fault of the caller: nothing else may fill its place', () => {
  const short = { ...frame, identity: frame.identity.subarray(0, 6) };
  expect(() => encodeRow(short, Float32Array.of(1.5, -2), computedAtMs)).toThrow(RangeError);
});

test('another number of values than the shape holds is a fault of the caller', () => {
  expect(() => encodeRow(frame, new Float32Array(3), computedAtMs)).toThrow(RangeError);
  expect(() => encodeRow(frame, new Float32Array(3), computedAtMs)).toThrow('holds 2 values, not 3');
});

test('the header takes 32 bytes', () => {
  expect(ROW_HEADER_BYTES).toBe(32);
  expect(rowByteLength({ cells: 0, outputs: 1 })).toBe(32);
});
