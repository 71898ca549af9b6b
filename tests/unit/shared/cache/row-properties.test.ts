import fc from 'fast-check';
import { cellByteRange, decodeRow, encodeRow, type RowFrame, rowByteLength } from '#shared/cache/row';

const bitsOf = (values: Float32Array) => Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length));
const fromBits = (bits: readonly number[]) => new Float32Array(Uint32Array.from(bits).buffer);

const aFrame = fc.record({
  cells: fc.integer({ min: 1, max: 40 }),
  outputs: fc.integer({ min: 1, max: 5 }),
  identity: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
});

/** Any 32 bits, so that -0, subnormals, infinities and every NaN come too: the codec judges no value. */
const aRow = aFrame.chain((frame) => {
  const length = frame.cells * frame.outputs;
  return fc.record({
    frame: fc.constant<RowFrame>(frame),
    bits: fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: length, maxLength: length }),
    computedAtMs: fc.maxSafeNat(),
  });
});

test('what was encoded is decoded, bit by bit', () => {
  fc.assert(
    fc.property(aRow, ({ frame, bits, computedAtMs }) => {
      const bytes = encodeRow(frame, fromBits(bits), computedAtMs);
      expect(bytes).toHaveLength(rowByteLength(frame));
      const decoded = decodeRow(bytes, frame);
      if (!decoded.ok) throw new Error(`refused: ${decoded.fault}`);
      const { row } = decoded;
      expect(bitsOf(row.values)).toEqual(bits);
      expect([row.cells, row.outputs, row.computedAtMs]).toEqual([frame.cells, frame.outputs, computedAtMs]);
      expect(Buffer.from(row.identity).equals(frame.identity)).toBe(true);
    }),
  );
});

test('finite numbers come back as they are, -0 too', () => {
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1, maxLength: 50 }), (numbers) => {
      const values = Float32Array.from([...numbers, -0]);
      const frame = { cells: values.length, outputs: 1, identity: Buffer.alloc(8) };
      const decoded = decodeRow(encodeRow(frame, values, 0), frame);
      expect(decoded.ok && decoded.row.values.every((value, i) => Object.is(value, values[i]))).toBe(true);
    }),
  );
});

test('encoding what was decoded gives the same bytes', () => {
  fc.assert(
    fc.property(aRow, ({ frame, bits, computedAtMs }) => {
      const bytes = encodeRow(frame, fromBits(bits), computedAtMs);
      const decoded = decodeRow(bytes);
      if (!decoded.ok) throw new Error(`refused: ${decoded.fault}`);
      expect(encodeRow(decoded.row, decoded.row.values, decoded.row.computedAtMs).equals(bytes)).toBe(true);
    }),
  );
});

test('the range of a cell holds its values', () => {
  const rowAndCell = aRow.chain((row) => fc.tuple(fc.constant(row), fc.integer({ min: 0, max: row.frame.cells - 1 })));
  fc.assert(
    fc.property(rowAndCell, ([{ frame, bits }, cell]) => {
      const { first, last } = cellByteRange(frame, cell);
      const bytes = encodeRow(frame, fromBits(bits), 0).subarray(first, last + 1);
      const found = Array.from({ length: frame.outputs }, (_, k) => bytes.readUInt32LE(4 * k));
      expect(found).toEqual(bits.slice(cell * frame.outputs, (cell + 1) * frame.outputs));
    }),
  );
});

test('every single bit that flips is noticed', () => {
  const frame = { cells: 5, outputs: 2, identity: Buffer.from('a1b2c3d4e5f60718', 'hex') };
  const row = encodeRow(
    frame,
    Float32Array.from({ length: 10 }, (_, i) => i / 3 - 1),
    1_764_041_824_000,
  );
  const faults = new Map<string, number>();
  for (let bit = 0; bit < 8 * row.length; bit++) {
    const bytes = Buffer.from(row);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const decoded = decodeRow(bytes);
    const fault = decoded.ok ? 'unnoticed' : decoded.fault;
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  // Magic, value type, and the two sizes are looked at by themselves; the checksum notices all the rest.
  expect(Object.fromEntries(faults)).toEqual({
    magic: 8 * 4,
    'value type': 8,
    length: 8 * 6,
    checksum: 8 * row.length - 8 * (4 + 1 + 6),
  });
});

test('up to 32 bits that are damaged in a row of bytes are noticed', () => {
  const damaged = aRow.chain((row) =>
    fc.record({
      row: fc.constant(row),
      offset: fc.integer({ min: 0, max: rowByteLength(row.frame) - 4 }),
      mask: fc.integer({ min: 1, max: 0xffff_ffff }),
    }),
  );
  fc.assert(
    fc.property(damaged, ({ row: { frame, bits, computedAtMs }, offset, mask }) => {
      const bytes = encodeRow(frame, fromBits(bits), computedAtMs);
      bytes.writeUInt32LE((bytes.readUInt32LE(offset) ^ mask) >>> 0, offset);
      expect(decodeRow(bytes, frame).ok).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('no bytes make the decoder throw', () => {
  const magic = Buffer.from('FWR1\x01', 'latin1');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (junk, withMagic) => {
      const bytes = withMagic ? Buffer.concat([magic, junk]) : Buffer.from(junk);
      expect(decodeRow(bytes)).toMatchObject({ ok: false, fault: expect.any(String) });
    }),
  );
});
