import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRow, encodeRow, type Row } from '#shared/cache/row';

const folder = join(__dirname, '../../../golden');
const golden = (name: string) => Buffer.from(readFileSync(join(folder, name), 'utf8').replace(/\s/g, ''), 'hex');

interface Known extends Pick<Row, 'cells' | 'outputs' | 'computedAtMs'> {
  readonly bytes: number;
  readonly identity: string;
  readonly values: readonly number[];
}

const twoCells: Known = {
  bytes: 40,
  ...{ cells: 2, outputs: 1, computedAtMs: 1_700_000_000_000, identity: '0102030405060708' },
  values: [1.5, -2],
};

const KNOWN: Record<string, Known> = {
  'two-cells.hex': twoCells,
  'two-outputs.hex': {
    bytes: 56,
    ...{ cells: 3, outputs: 2, computedAtMs: Date.UTC(2026, 0, 1) + 123, identity: 'ff00ee11dd22cc33' },
    values: [0.25, 100, 0.5, 200, 0.75, 300],
  },
  'sample.hex': {
    bytes: 704,
    ...{ cells: 168, outputs: 1, computedAtMs: Date.UTC(2025, 10, 25, 3, 37, 4), identity: 'a1b2c3d4e5f60718' },
    values: Array.from({ length: 168 }, (_, cell) => Math.floor(cell / 24) + (cell % 24) / 32),
  },
  'extremes.hex': {
    bytes: 72,
    ...{ cells: 10, outputs: 1, computedAtMs: 0, identity: '0000000000000000' },
    values: [
      ...[-0, 0, 2 ** -149, -(2 ** -149), 2 ** -126 - 2 ** -149, 2 ** -126],
      ...[(2 - 2 ** -23) * 2 ** 127, -(2 - 2 ** -23) * 2 ** 127, Math.fround(1 / 3), 1 + 2 ** -23],
    ],
  },
  'late.hex': {
    bytes: 36,
    ...{ cells: 1, outputs: 1, computedAtMs: Number.MAX_SAFE_INTEGER, identity: 'ffffffffffffffff' },
    values: [42],
  },
  'unknown-flags.hex': twoCells,
};

test('every golden row is known here', () => {
  expect(readdirSync(folder).filter((name) => name.endsWith('.hex'))).toEqual(Object.keys(KNOWN).sort());
});

test.each(Object.entries(KNOWN))('%s holds what it was written with', (name, known) => {
  const bytes = golden(name);
  expect(bytes).toHaveLength(known.bytes);
  const identity = Buffer.from(known.identity, 'hex');
  const decoded = decodeRow(bytes, { cells: known.cells, outputs: known.outputs, identity });
  if (!decoded.ok) throw new Error(`refused: ${decoded.fault}`);
  const { row } = decoded;
  expect([row.cells, row.outputs, row.computedAtMs]).toEqual([known.cells, known.outputs, known.computedAtMs]);
  expect(Buffer.from(row.identity).toString('hex')).toBe(known.identity);
  // `toEqual` tells -0 from 0.
  expect(Array.from(row.values)).toEqual(known.values);
});

test.each(Object.keys(KNOWN).filter((name) => name !== 'unknown-flags.hex'))(
  '%s is encoded to the same bytes',
  (name) => {
    const bytes = golden(name);
    const decoded = decodeRow(bytes);
    if (!decoded.ok) throw new Error(`refused: ${decoded.fault}`);
    const { row } = decoded;
    expect(encodeRow(row, row.values, row.computedAtMs).toString('hex')).toBe(bytes.toString('hex'));
  },
);

test('unknown flags are read and not written', () => {
  const decoded = decodeRow(golden('unknown-flags.hex'));
  if (!decoded.ok) throw new Error(`refused: ${decoded.fault}`);
  const { row } = decoded;
  expect(encodeRow(row, row.values, row.computedAtMs).equals(golden('two-cells.hex'))).toBe(true);
});
