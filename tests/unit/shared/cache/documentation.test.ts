import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseEvent } from '#shared/cache/events';
import { type Axis, cellCount, cellIndex } from '#shared/cache/grid';
import { KeySpace } from '#shared/cache/keys';
import { type LivePointer, parseLivePointer, parseMetadata } from '#shared/cache/pointer';
import { decodeRow, encodeRow } from '#shared/cache/row';
import { MIGRATIONS } from '#shared/store/migrations/all';

/** Holds docs/cache-format.md, and the readers in it, to what the code does. */

const root = join(__dirname, '../../../..');
const page = readFileSync(join(root, 'docs/cache-format.md'), 'utf8');
const blocks = (language: string) =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm')), ([, code]) => code ?? '');

interface Redis {
  get(key: string): Promise<string | null>;
  getBuffer(key: string): Promise<Buffer | null>;
}
interface DocumentedReader {
  crc32c(bytes: Uint8Array): number;
  readRow(
    bytes: Buffer,
    expected: { generation: string; cells: number; outputs: number },
  ): { computedAt: Date; values: number[] };
  cellOf(axes: readonly Axis[], coordinates: Record<string, number | string>): number;
  predict(
    redis: Redis,
    model: string,
    category: string,
    coordinates: Record<string, number | string>,
  ): Promise<{ computedAt: Date; values: number[] } | undefined>;
}

/** The JavaScript of the page, run as it stands there. */
const documented = new Function('require', `${blocks('js').join('\n')}\nreturn { crc32c, readRow, cellOf, predict };`)(
  createRequire(__filename),
) as DocumentedReader;

const vector = Buffer.from('4657523101000100020000000068e5cf8b01000001020304050607089fc0e1020000c03f000000c0', 'hex');
const expected = { generation: '010203040506', cells: 2, outputs: 1 };

test('the page has the test vector', () => {
  expect(page).toContain(vector.toString('hex'));
  expect(decodeRow(vector)).toMatchObject({ ok: true, row: { computedAtMs: Date.parse('2023-11-14T22:13:20Z') } });
});

test('the documented reader reads the test vector and refuses others', () => {
  expect(documented.crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(documented.readRow(vector, expected)).toEqual({ computedAt: new Date(1_700_000_000_000), values: [1.5, -2] });
  expect(() => documented.readRow(vector, { ...expected, generation: 'ffffffffffff' })).toThrow('wrong generation');
  expect(() => documented.readRow(vector, { ...expected, cells: 3 })).toThrow('wrong shape');
  expect(() => documented.readRow(vector.subarray(0, 36), expected)).toThrow('wrong length');
  expect(() => documented.readRow(Buffer.from('hello'), expected)).toThrow('not a row');
  const damaged = Buffer.from(vector);
  damaged.writeUInt8(damaged.readUInt8(33) ^ 1, 33);
  expect(() => documented.readRow(damaged, expected)).toThrow('corrupt');
});

test('the documented reader finds every cell of a grid', async () => {
  const axes: LivePointer['axes'] = [
    { name: 'day', values: [0, 1, 2] },
    { name: 'region', values: ['north', 'south'] },
    { name: 'hour', values: [0, 1, 2, 3] },
  ];
  const generation = 'a1b2c3d4e5f6';
  const pointer: LivePointer = {
    ...{ format: 1, generation, previous: null, publishedAt: '2026-01-02T03:04:05Z', modelVersion: 'x' },
    ...{ axes, outputs: ['low', 'high'] },
  };
  const frame = { cells: cellCount(axes), outputs: 2, identity: Buffer.from(`${generation}0718`, 'hex') };
  const values = Float32Array.from({ length: 48 }, (_, i) => i / 2);
  const keys = new KeySpace('forewarm', 'calls');
  const stored = new Map<string, Buffer>([
    [keys.live, Buffer.from(JSON.stringify(pointer))],
    [keys.row(generation, 'Fire: ALARM'), encodeRow(frame, values, 1_700_000_000_000)],
  ]);
  const redis: Redis = {
    get: async (key) => stored.get(key)?.toString() ?? null,
    getBuffer: async (key) => stored.get(key) ?? null,
  };
  for (const day of [0, 1, 2]) {
    for (const region of ['north', 'south']) {
      for (const hour of [0, 1, 2, 3]) {
        const cell = cellIndex(axes, { day, region, hour });
        expect(documented.cellOf(axes, { day, region, hour })).toBe(cell);
        const answer = await documented.predict(redis, 'calls', 'Fire: ALARM', { day, region, hour });
        expect(answer).toEqual({ computedAt: new Date(1_700_000_000_000), values: [cell, cell + 0.5] });
      }
    }
  }
  expect(await documented.predict(redis, 'calls', 'unknown', { day: 0, region: 'north', hour: 0 })).toBeUndefined();
});

test('the JSON of the page is what the library reads', () => {
  const [pointer, metadata, ...others] = blocks('json');
  expect(others).toEqual([]);
  expect(parseLivePointer(pointer ?? '')).toEqual(JSON.parse(pointer ?? ''));
  expect(parseMetadata(metadata ?? '')).toEqual(JSON.parse(metadata ?? ''));
});

test('the key table is the key space', () => {
  const keys = new KeySpace('{p}', '{m}');
  const { live, metadata, events, reads, restoring } = keys;
  const ofRow = [keys.row('{g}', '{category}'), keys.index('{g}'), keys.inputs('{g}')];
  const all = [live, metadata, ...ofRow, events, reads, keys.flight('{g}', '{category}'), restoring];
  const inTable = Array.from(page.matchAll(/^\| `(\{p\}[^`]*)` \|/gm), ([, key]) => key);
  expect(inTable).toEqual(all);
});

test('the events of the page are events', () => {
  const shapes = Array.from(page.matchAll(/^\| `(\{"type".*\})` \|/gm), ([, shape]) => shape ?? '');
  expect(shapes.map((shape) => parseEvent(shape)?.type)).toEqual(['published', 'rows', 'dropped', 'missing']);
});

test('the tables of the page are those of the migrations, with all of their columns', () => {
  const section = page.slice(page.indexOf('## PostgreSQL'));
  const lines = new Map(Array.from(section.matchAll(/^\| `(\w+)` \|.*$/gm), ([line, table]) => [table ?? '', line]));
  const sql = MIGRATIONS.map((migration) => migration.sql).join('\n');
  const tables = Array.from(sql.matchAll(/CREATE TABLE forewarm\.(\w+) \(([\s\S]*?)\n {4}\)/g), ([, table, body]) => ({
    table: table ?? '',
    columns: Array.from(
      (body ?? '').matchAll(/^\s+([a-z_]+)\s+(?:text|integer|jsonb|bytea|timestamptz|double)/gm),
      ([, name]) => name ?? '',
    ),
  }));
  expect([...tables.map(({ table }) => table), 'migration']).toEqual([...lines.keys()]);
  const shared = ['computed', 'restored', 'verified', 'failed', 'durable'];
  for (const { table, columns } of tables) {
    expect(columns.length).toBeGreaterThan(4);
    const added = [...sql.matchAll(/ALTER TABLE forewarm\.(\w+) ADD COLUMN (\w+)/g)];
    for (const [, to, column = ''] of added) if (to === table) columns.push(column);
    const named = table === 'batch' ? columns.filter((column) => !shared.includes(column)) : columns;
    expect(named.filter((column) => !lines.get(table)?.includes(`\`${column}\``))).toEqual([]);
  }
});
