import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { decodeRow, encodeRow, type RowFault, type RowFrame, RowView, viewRow } from '#shared/cache/row';

const folder = join(__dirname, '../../../golden');
const golden = readdirSync(folder)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => Buffer.from(readFileSync(join(folder, name), 'utf8').replace(/\s/g, ''), 'hex'));

/** A row read as `docs/cache-format.md` describes it, field by field, with nothing of what is tested. */
function readPlainly(bytes: Buffer) {
  const [outputs, cells] = [bytes.readUInt16LE(6), bytes.readUInt32LE(8)];
  const bits = Array.from({ length: cells * outputs }, (_, i) => bytes.readUInt32LE(32 + 4 * i));
  return {
    outputs,
    cells,
    computedAtMs: Number(bytes.readBigUInt64LE(12)),
    identity: [...bytes.subarray(20, 28)],
    bits,
  };
}

function faultPlainly(bytes: Buffer): RowFault | undefined {
  if (bytes.length < 32) return 'length';
  if (bytes.toString('latin1', 0, 4) !== 'FWR1') return 'magic';
  if (bytes[4] !== 1) return 'value type';
  if (bytes.length !== 32 + 4 * bytes.readUInt16LE(6) * bytes.readUInt32LE(8)) return 'length';
  const sum = crc32c(Buffer.concat([bytes.subarray(0, 28), bytes.subarray(32)]));
  return bytes.readUInt32LE(28) === sum ? undefined : 'checksum';
}

function expectRead(bytes: Buffer): void {
  const plain = readPlainly(bytes);
  const row = viewRow(bytes);
  if (!(row instanceof RowView)) throw new Error(`refused: ${row}`);
  const bits = new Uint32Array(row.values.buffer);
  const { outputs, cells, computedAtMs, identity } = row;
  expect({ outputs, cells, computedAtMs, identity: [...identity], bits: [...bits] }).toEqual(plain);
  for (const [i, value] of row.values.entries()) expect(Object.is(row.value(i), value)).toBe(true);
  // Copies, so that a row that is kept keeps no larger buffer.
  expect([row.values.buffer.byteLength, row.identity.buffer === bytes.buffer]).toEqual([4 * bits.length, false]);
  expect(decodeRow(bytes)).toEqual({ ok: true, row: { outputs, cells, computedAtMs, identity, values: row.values } });
}

const aRow = fc
  .record({ cells: fc.integer({ min: 1, max: 30 }), outputs: fc.integer({ min: 1, max: 4 }) })
  .chain(({ cells, outputs }) =>
    fc.record({
      frame: fc.record<RowFrame>({
        cells: fc.constant(cells),
        outputs: fc.constant(outputs),
        identity: fc.uint8Array({ minLength: 8, maxLength: 12 }),
      }),
      bits: fc.uint32Array({ minLength: cells * outputs, maxLength: cells * outputs }),
      computedAtMs: fc.maxSafeNat(),
      /** Bytes before it in its buffer: floats then lie at addresses that no array of floats may begin at. */
      before: fc.integer({ min: 0, max: 9 }),
    }),
  );

const encode = ({ frame, bits, computedAtMs }: { frame: RowFrame; bits: Uint32Array; computedAtMs: number }) =>
  encodeRow(frame, new Float32Array(bits.slice().buffer), computedAtMs);

test('golden rows are what their bytes say', () => {
  expect(golden.length).toBeGreaterThan(5);
  for (const bytes of golden) expectRead(bytes);
});

test('so is any row, wherever it lies', () => {
  fc.assert(
    fc.property(aRow, (row) => {
      const bytes = encode(row);
      expectRead(Buffer.concat([Buffer.alloc(row.before), bytes]).subarray(row.before));
    }),
  );
});

test('bytes that are no row have the fault that the format names', () => {
  const damage = fc.record({
    at: fc.nat(),
    mask: fc.integer({ min: 1, max: 255 }),
    cut: fc.integer({ min: -3, max: 40 }),
  });
  fc.assert(
    fc.property(aRow, damage, (row, { at, mask, cut }) => {
      const whole = encode(row);
      const bytes = cut > 0 ? whole.subarray(0, Math.max(0, whole.length - cut)) : Buffer.from(whole);
      if (cut <= 0) bytes.writeUInt8(bytes.readUInt8(at % bytes.length) ^ mask, at % bytes.length);
      const fault = faultPlainly(bytes);
      expect(fault).toBeDefined();
      expect(viewRow(bytes)).toBe(fault);
      expect(decodeRow(bytes)).toEqual({ ok: false, fault });
    }),
    { numRuns: 500 },
  );
});

test('it is of a generation when the identity agrees as far as both go, in 8 bytes', () => {
  fc.assert(
    fc.property(aRow, fc.uint8Array({ maxLength: 12 }), (row, other) => {
      const bytes = encode(row);
      const view = new RowView(bytes);
      for (const identity of [other, row.frame.identity, row.frame.identity.subarray(0, 6)]) {
        const agreed = identity.subarray(0, 8).every((byte, i) => byte === row.frame.identity[i]);
        expect(view.isOf(identity)).toBe(agreed);
      }
      expect(decodeRow(bytes, { ...row.frame, identity: other.length < 8 ? new Uint8Array(8) : other }).ok).toBe(
        view.isOf(other.length < 8 ? new Uint8Array(8) : other),
      );
    }),
  );
});
