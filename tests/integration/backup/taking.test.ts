import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { takeBackup } from '#shared/backup/take-backup';
import { encodeRow, RowView } from '#shared/cache/row';
import { writeRows } from '#shared/cache/row-writer';
import { BackupBench, reportingOf } from '../../support/backup-bench';
import { rowsOf } from '../../support/backups';
import { someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** A backup has every row of what is live, byte for byte, from whichever store has it. */

jest.setTimeout(90_000);

const categories = [
  ...someCategories(1_200),
  'quote " and backslash \\',
  'line\nbreak and \u2028',
  'emoji 🚒',
  'é'.repeat(256),
];
const [FIRST = '', SECOND = '', THIRD = ''] = categories;

let warmed: WarmedSystem;
let bench: BackupBench;
let folders = 0;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
});
afterAll(() => warmed.system.stop());
beforeEach(() => {
  bench = new BackupBench(warmed, `backups-${folders++}`);
});
afterEach(async () => {
  const { client } = warmed.system;
  const { keys } = warmed.system.cache();
  await writeRows(client, keys, warmed.generation, rows(), undefined);
});

function rows() {
  return categories.map((category) => ({ category, bytes: warmed.bytesOf(category), inputs: undefined }));
}

async function backedUp(manifest: Parameters<BackupBench['pathOf']>[0]): Promise<Map<string, Buffer>> {
  return new Map((await rowsOf(bench.pathOf(manifest))).map(({ category, bytes }) => [category, bytes]));
}

test('every row, byte for byte, and a sample of it compared with what is live', async () => {
  const phases: string[] = [];
  const manifest = await bench.takeOne({}, { onProgress: ({ phase }) => phases.push(phase) });
  expect(await backedUp(manifest)).toEqual(warmed.bytes);
  expect(manifest).toMatchObject({ rows: 1_204, missing: 0, model: 'm', modelVersion: '2.1', scope: 'live' });
  expect(manifest.generation).toBe(warmed.generation);
  expect(manifest.compared).toBeGreaterThanOrEqual(100);
  expect([...new Set(phases)]).toEqual(['reading', 'verifying']);
  expect(readdirSync(bench.folder)).toHaveLength(2);
});

test('a row that the cache lacks, or has corrupt, comes from Postgres; one that is in neither is named', async () => {
  const { client, pool } = warmed.system;
  await client.del(warmed.key(FIRST), warmed.key(THIRD));
  await client.setrange(warmed.key(SECOND), 40, 'x');
  await pool.query('DELETE FROM forewarm.row WHERE category = $1', [THIRD]);
  const manifest = await bench.takeOne();
  const found = await backedUp(manifest);
  expect(manifest).toMatchObject({ rows: 1_203, missing: 1 });
  expect(found.get(FIRST)).toEqual(warmed.bytesOf(FIRST));
  expect(found.get(SECOND)).toEqual(warmed.bytesOf(SECOND));
  expect(found.has(THIRD)).toBe(false);
});

test('a category that only the index knows, or only the configuration, is backed up', async () => {
  const manifest = await bench.takeOne({ categories: [FIRST, 'never computed'] });
  expect(manifest).toMatchObject({ rows: 1_204, missing: 1 });
});

test('an empty cache: everything comes from Postgres', async () => {
  await warmed.system.pool.query(
    `INSERT INTO forewarm.row SELECT model, generation, $1, $2, now() FROM forewarm.row LIMIT 1
     ON CONFLICT DO NOTHING`,
    [THIRD, warmed.bytesOf(THIRD)],
  );
  const pointer = await warmed.system.cache().pointer();
  const metadata = await warmed.system.cache().metadata();
  await warmed.system.client.flushall();
  const manifest = await bench.takeOne();
  expect(await backedUp(manifest)).toEqual(warmed.bytes);
  if (pointer && metadata) await warmed.system.cache().publish(pointer, metadata, undefined);
});

test('what is live and has no row at all is an empty backup, which says what is missing', async () => {
  const cache = warmed.system.cache();
  const [pointer, metadata] = [await cache.pointer(), await cache.metadata()];
  if (pointer === undefined || metadata === undefined) throw new Error('nothing is live');
  const generation = 'eeeeeeeeeeee';
  await cache.publish({ ...pointer, generation }, { ...metadata, generation }, pointer.generation);
  const known = [`${generation}${'0'.repeat(52)}`];
  const manifest = await bench.takeOne({ categories: [], known });
  expect(manifest).toMatchObject({ generation, rows: 0, missing: 0, predictions: 0 });
  expect(await backedUp(manifest)).toEqual(new Map());
  await expect(bench.take({ categories: [], known: [] })).rejects.toMatchObject({ code: 'FW_POSTGRES_UNAVAILABLE' });
  await cache.publish(pointer, metadata, generation);
});

test('a model of which nothing was ever published has nothing to back up', async () => {
  const targets = { ...bench.targets, keyPrefix: 'other' };
  await warmed.system.pool.query(`UPDATE forewarm.generation SET state = 'previous'`);
  const request = { generation: 'live', categories, known: [], backup: bench.config(), version: '1' } as const;
  const taking = bench.stores((stores) => takeBackup(stores, request, reportingOf()), targets);
  await expect(taking).rejects.toMatchObject({ code: 'FW_NOT_WARMED' });
  await warmed.system.pool.query(`UPDATE forewarm.generation SET state = 'live'`);
});

describe('another generation', () => {
  const NEXT = 'aaaaaaaaaaaa';
  const identity = Buffer.from(`${NEXT}0000`, 'hex');
  const bytesOf = (category: string): Buffer => {
    const row = new RowView(warmed.bytesOf(category));
    return encodeRow({ cells: row.cells, outputs: row.outputs, identity }, row.values, row.computedAtMs + 1);
  };

  async function publishNext(): Promise<() => Promise<void>> {
    const cache = warmed.system.cache();
    const [pointer, metadata] = [await cache.pointer(), await cache.metadata()];
    if (pointer === undefined || metadata === undefined) throw new Error('nothing is live');
    const next = categories.map((category) => ({ category, bytes: bytesOf(category), inputs: undefined }));
    await writeRows(warmed.system.client, cache.keys, NEXT, next, undefined);
    const flipped = { ...pointer, generation: NEXT, previous: pointer.generation };
    await cache.publish(flipped, { ...metadata, generation: NEXT }, pointer.generation);
    return async () => {
      await cache.publish(pointer, metadata, NEXT);
      await cache.dropGeneration(NEXT);
    };
  }
  const known = [`${NEXT}${'0'.repeat(52)}`];

  test('`all` is what is live and what was before, in the order in which they were made', async () => {
    const back = await publishNext();
    const manifests = await bench.take({ generation: 'all', known });
    expect(manifests.map(({ generation, scope, sequence }) => [generation, scope, sequence])).toEqual([
      [NEXT, 'live', 1],
      [warmed.generation, 'previous', 2],
    ]);
    await back();
  });

  test('one that is replaced while it is read is finished as it was begun', async () => {
    let back: (() => Promise<void>) | undefined;
    let flipping: Promise<void> | undefined;
    const manifest = await bench.takeOne(
      {},
      {
        onProgress: () => {
          flipping ??= publishNext().then((undo) => {
            back = undo;
          });
        },
      },
    );
    await flipping;
    expect(manifest).toMatchObject({ generation: warmed.generation, rows: 1_204, missing: 0 });
    expect(await backedUp(manifest)).toEqual(warmed.bytes);
    await back?.();
  });

  test('one that is dropped while it is read is given up for the one that is live then', async () => {
    const { rows: lost } = await warmed.system.pool.query('DELETE FROM forewarm.row RETURNING *');
    const back = await publishNext();
    const cache = warmed.system.cache();
    // The first slice is read before the rest is dropped.
    let dropping: Promise<unknown> | undefined;
    const pointer = await cache.pointer();
    const metadata = await cache.metadata();
    if (pointer === undefined || metadata === undefined) throw new Error('nothing is live');
    await cache.publish({ ...pointer, generation: warmed.generation, previous: null }, metadata, NEXT);
    const generations: string[] = [];
    const manifest = await bench.takeOne(
      { known: [...known, `${warmed.generation}${'0'.repeat(52)}`] },
      {
        onProgress: ({ generation, phase }) => {
          if (phase === 'reading') generations.push(generation);
          dropping ??= cache
            .publish({ ...pointer, previous: null }, metadata, warmed.generation)
            .then(() => cache.dropGeneration(warmed.generation));
        },
      },
    );
    await dropping;
    expect([...new Set(generations)]).toEqual([warmed.generation, NEXT]);
    expect(manifest).toMatchObject({ generation: NEXT, rows: 1_204, missing: 0 });
    expect(readdirSync(bench.folder)).toHaveLength(2);
    await back();
    for (const row of lost) {
      await warmed.system.pool.query('INSERT INTO forewarm.row VALUES ($1, $2, $3, $4, $5)', [
        ...[row.model, row.generation, row.category, row.bytes, row.computed_at],
      ]);
    }
  });
});

test('an abort leaves nothing behind', async () => {
  const stop = new AbortController();
  const aborted = bench.take({}, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
  await expect(aborted).rejects.toThrow('enough');
  expect(readdirSync(bench.folder)).toEqual([]);
});

test('a folder that is named and not there is no folder to write to', async () => {
  const backup = bench.config({ folder: join(bench.folder, 'not mounted') });
  await expect(bench.take({ backup })).rejects.toMatchObject({
    code: 'FW_BACKUP_FOLDER',
    message: expect.stringContaining('not mounted'),
  });
  const made = bench.config({ folder: join(bench.folder, 'made'), folderNamed: false });
  expect(await bench.take({ backup: made })).toHaveLength(1);
});
