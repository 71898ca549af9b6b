import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FromProcess } from '#shared/backup/backup-task';
import type { BackupManifest } from '#shared/backup/documents';
import { encodeRow, RowView } from '#shared/cache/row';
import { swapRows } from '#shared/cache/row-swap';
import { writeRows } from '#shared/cache/row-writer';
import { GenerationStore } from '#shared/store/generation-store';
import { BackupBench } from '../../support/backup-bench';
import { backupRow, headerOf, makeBackup } from '../../support/backups';
import { someCategories } from '../../support/system';
import { WarmedSystem } from '../../support/warmed-system';

/** What a restore does to the cache and to Postgres, and what it leaves alone. */

jest.setTimeout(90_000);

const categories = someCategories(1_200);
const [FIRST = '', SECOND = '', THIRD = '', FOURTH = ''] = categories;

let warmed: WarmedSystem;
let bench: BackupBench;
let manifest: BackupManifest;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories);
  bench = new BackupBench(warmed);
  manifest = await bench.takeOne();
});
afterAll(() => warmed.system.stop());

/** Every row as it was, and nothing else. */
async function reset(): Promise<void> {
  const { client, pool } = warmed.system;
  const cache = warmed.system.cache();
  const [pointer, metadata] = await published;
  await client.flushall();
  const rows = categories.map((category) => ({ category, bytes: warmed.bytesOf(category), inputs: undefined }));
  await writeRows(client, cache.keys, warmed.generation, rows, undefined);
  await cache.publish(pointer, metadata, undefined);
  await pool.query('DELETE FROM forewarm.generation WHERE id <> $1', [warmed.generation]);
  await pool.query('DELETE FROM forewarm.row WHERE generation <> $1', [warmed.generation]);
  await new GenerationStore(pool).published('m', warmed.generation, null, new Date(pointer.publishedAt));
}
let published: Promise<readonly [Pointer, Metadata]>;
type Cache = ReturnType<typeof warmed.system.cache>;
type Pointer = NonNullable<Awaited<ReturnType<Cache['pointer']>>>;
type Metadata = NonNullable<Awaited<ReturnType<Cache['metadata']>>>;
beforeAll(() => {
  const cache = warmed.system.cache();
  published = Promise.all([cache.pointer(), cache.metadata()]) as Promise<readonly [Pointer, Metadata]>;
});
beforeEach(reset);

const live = (among: readonly string[] = categories) => warmed.system.rows(warmed.generation, among);

/** The same values, computed so much later. */
function later(category: string, ms: number, more = 0): Buffer {
  const row = new RowView(warmed.bytesOf(category));
  const values = row.values.map((value) => value + more);
  return encodeRow(row, values, row.computedAtMs + ms);
}

describe('of the live generation', () => {
  test('rows are written where they are missing, corrupt or older, and nowhere else', async () => {
    const { client } = warmed.system;
    await client.del(warmed.key(FIRST));
    await client.setrange(warmed.key(SECOND), 40, 'x');
    await client.set(warmed.key(THIRD), later(THIRD, -1_000));
    await client.set(warmed.key(FOURTH), later(FOURTH, 1_000, 1));
    await client.srem(warmed.index, FIRST, SECOND);
    const summary = await bench.restore(manifest);
    expect(summary).toMatchObject({
      mode: 'live',
      written: 3,
      absent: 1,
      corrupt: 1,
      older: 1,
      kept: 1_197,
      rows: 1_200,
    });
    expect(summary).toMatchObject({ durable: true, published: false, pinned: false, skipped: 0 });
    expect(await live()).toEqual(new Map([...warmed.bytes, [FOURTH, later(FOURTH, 1_000, 1)]]));
    expect(await client.scard(warmed.index)).toBe(1_200);
    expect(await warmed.system.cache().pointer()).toEqual((await published)[0]);
    expect(await client.exists(warmed.system.cache().keys.restoring)).toBe(0);
  });

  test('`overwrite` writes all that differ', async () => {
    await warmed.system.client.set(warmed.key(FOURTH), later(FOURTH, 1_000, 1));
    const summary = await bench.restore(manifest, { overwrite: true });
    expect(summary).toMatchObject({ written: 1, kept: 1_199 });
    expect(await live()).toEqual(warmed.bytes);
  });

  test('a dry run tells the same and writes nothing', async () => {
    await warmed.system.client.del(warmed.key(FIRST), warmed.key(SECOND));
    const summary = await bench.restore(manifest, { dryRun: true });
    expect(summary).toMatchObject({ absent: 2, written: 0, kept: 1_198, dryRun: true });
    expect((await live()).size).toBe(1_198);
  });

  test('a row that a cycle writes between the look and the write is not replaced', async () => {
    const { client } = warmed.system;
    await client.set(warmed.key(THIRD), later(THIRD, -1_000));
    const { keys } = warmed.system.cache();
    const swap = { category: THIRD, bytes: warmed.bytesOf(THIRD), inputs: undefined, instead: later(THIRD, -1_000) };
    const newer = later(THIRD, 5_000, 1);
    await client.set(warmed.key(THIRD), newer);
    const how = { expireAfterMs: undefined, indexed: [THIRD] };
    expect([...(await swapRows(client, keys, warmed.generation, [swap], how))]).toEqual([]);
    expect((await live([THIRD])).get(THIRD)).toEqual(newer);
    expect([...(await swapRows(client, keys, warmed.generation, [{ ...swap, instead: newer }], how))]).toEqual([THIRD]);
  });

  test('rows expire where the model says so, categories that are not configured stay away', async () => {
    await warmed.system.client.del(warmed.key(FIRST), warmed.key(SECOND));
    const wanted = categories.slice(1);
    const summary = await bench.restore(manifest, { expireAfterMs: 60_000, categories: wanted });
    expect(summary).toMatchObject({ written: 1, skipped: 1 });
    expect(await warmed.system.client.pttl(warmed.key(SECOND))).toBeGreaterThan(0);
    expect(await warmed.system.client.exists(warmed.key(FIRST))).toBe(0);
  });
});

describe('into empty stores', () => {
  test('an empty Redis gets every row, the pointer, and metadata that say how old they are', async () => {
    await warmed.system.client.flushall();
    const summary = await bench.restore(manifest);
    expect(summary).toMatchObject({ mode: 'beside', written: 1_200, published: true, pinned: false, replaced: null });
    expect(await live()).toEqual(warmed.bytes);
    const [pointer, metadata] = await published;
    expect(await warmed.system.cache().pointer()).toEqual({ ...pointer, publishedAt: expect.any(String) });
    expect(await warmed.system.cache().metadata()).toMatchObject({
      ...{ generation: warmed.generation, last_updated: metadata.last_updated, state: 'complete', rows: 1_200 },
    });
  });

  test('an empty Postgres gets them too', async () => {
    await warmed.system.pool.query('DELETE FROM forewarm.row');
    expect(await bench.restore(manifest)).toMatchObject({ kept: 1_200, written: 0, durable: true });
    expect(await warmed.system.durableRows(warmed.generation, categories)).toEqual(warmed.bytes);
  });

  test('a Postgres that is away keeps nobody from a restore, which says so', async () => {
    await warmed.system.client.flushall();
    const { targets } = bench;
    const nowhere = { ...targets.postgres, url: 'postgres://nobody@127.0.0.1:1/none' };
    const summary = await bench.restore(manifest, {}, {}, { ...targets, postgres: nowhere });
    expect(summary).toMatchObject({ written: 1_200, durable: false, published: true });
    expect(await live()).toEqual(warmed.bytes);
  });
});

describe('of another generation', () => {
  const OTHER = 'b'.repeat(64);
  const axes = [
    { name: 'day', values: [0, 1, 2, 3] },
    { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
  ];
  const EXTREME = [-0, 2 ** -149, -(2 ** -149), (2 - 2 ** -23) * 2 ** 127, Math.fround(1 / 3), 1 + 2 ** -23];
  const values = (i: number): number[] =>
    Array.from({ length: 24 }, (_, cell) => EXTREME[(cell + i) % EXTREME.length] ?? 0);

  async function otherBackup(missing: readonly string[] = []): Promise<BackupManifest> {
    const { outputs } = (await published)[0];
    const header = { model: 'm', identity: OTHER, generation: OTHER.slice(0, 12), axes, outputs: [...outputs] };
    const rows = Object.fromEntries(
      categories.filter((category) => !missing.includes(category)).map((category, i) => [category, values(i)]),
    );
    return makeBackup(bench.folder, { rows, missing, header, sequence: 100 });
  }
  const otherRows = () => {
    const header = headerOf(0, { identity: OTHER, axes });
    return new Map(categories.map((category, i) => [category, backupRow(header, category, values(i)).bytes]));
  };
  const generation = OTHER.slice(0, 12);

  test('it is written beside the live one, published when it is complete, and pinned; -0 and subnormals as they were', async () => {
    const flips: (string | undefined)[] = [];
    const onProgress = async (): Promise<void> => {
      flips.push((await warmed.system.cache().pointer())?.generation);
    };
    const summary = await bench.restore(await otherBackup(), {}, { onProgress });
    expect(summary).toMatchObject({
      mode: 'beside',
      written: 1_200,
      published: true,
      pinned: true,
      replaced: warmed.generation,
    });
    expect(await warmed.system.rows(generation, categories)).toEqual(otherRows());
    expect(await warmed.system.durableRows(generation, categories)).toEqual(otherRows());
    expect(await live()).toEqual(warmed.bytes);
    const pointer = await warmed.system.cache().pointer();
    expect(pointer).toMatchObject({ generation, previous: warmed.generation, pinnedOver: warmed.generation });
    expect(flips.every((flip) => flip === warmed.generation)).toBe(true);
    const record = await new GenerationStore(warmed.system.pool).live('m');
    expect(record).toMatchObject({ id: generation, identity: OTHER, pinnedOver: warmed.generation });
    // And back: the first is the model file's own, which pins nothing.
    expect(await bench.restore(manifest)).toMatchObject({ published: true, pinned: false, replaced: generation });
    expect(await warmed.system.cache().pointer()).not.toHaveProperty('pinnedOver');
    expect(await new GenerationStore(warmed.system.pool).live('m')).toMatchObject({ pinnedOver: null });
  });

  test('one that lacks rows does not replace one that has them, unless that is meant', async () => {
    const incomplete = await otherBackup([FIRST]);
    await expect(bench.restore(incomplete)).rejects.toMatchObject({
      code: 'FW_BACKUP_INCOMPLETE',
      message: expect.stringContaining(`1 of 1200 rows, such as that of "${FIRST}"`),
    });
    expect(await warmed.system.client.keys(`forewarm:m:${generation}*`)).toEqual([]);
    expect(await bench.restore(incomplete, { allowIncomplete: true })).toMatchObject({
      published: true,
      written: 1_199,
    });
    expect(await warmed.system.cache().metadata()).toMatchObject({ state: 'degraded', rows: 1_199, expected: 1_200 });
  });

  test('interrupted, it is not published; again, it is', async () => {
    const other = await otherBackup();
    const stop = new AbortController();
    const onProgress = (): void => stop.abort(new Error('enough'));
    await expect(bench.restore(other, {}, { onProgress, signal: stop.signal })).rejects.toThrow('enough');
    expect(await warmed.system.cache().pointer()).toEqual((await published)[0]);
    expect(await live()).toEqual(warmed.bytes);
    expect((await warmed.system.rows(generation, categories)).size).toBeGreaterThan(0);
    expect(await bench.restore(other)).toMatchObject({ published: true });
    expect(await warmed.system.rows(generation, categories)).toEqual(otherRows());
  });

  test('killed, whoever comes then completes it; while it runs, nobody else may', async () => {
    const other = await otherBackup();
    const child = fork(join(__dirname, '../../../dist/shared/backup/backup-process.js'), { serialization: 'advanced' });
    child.send({
      task: 'restore',
      targets: bench.targets,
      model: 'm',
      path: bench.pathOf(other),
      request: bench.request(),
    });
    await wrote(child);
    child.kill('SIGSTOP');
    const { keys } = warmed.system.cache();
    expect(await warmed.system.client.exists(keys.restoring)).toBe(1);
    await expect(bench.restore(other)).rejects.toMatchObject({ code: 'FW_RESTORE_RUNNING' });
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await bench.restore(other)).toMatchObject({ generation, published: true });
    expect(await warmed.system.rows(generation, categories)).toEqual(otherRows());
    expect((await warmed.system.cache().pointer())?.generation).toBe(generation);
    expect(await warmed.system.client.exists(keys.restoring)).toBe(0);
  });

  /** Until it says that rows were written. */
  function wrote(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      child.on('message', (message: FromProcess) => {
        if (message.says !== 'progress' || message.progress.phase === 'restoring') resolve();
      });
    });
  }
});

describe('what does not fit is refused, and nothing is touched', () => {
  const bare = { model: 'm', axes: [{ name: 'day', values: [0, 1] }], outputs: ['x'] };
  test.each<[string, object, object, string, string]>([
    ['another model', { model: 'other' }, {}, 'FW_BACKUP_OTHER_MODEL', 'is of model other, not of m'],
    ['other axes', bare, {}, 'FW_BACKUP_OTHER_MODEL', 'day instead of day, hour'],
    [
      'other values of an axis',
      {
        model: 'm',
        axes: [
          { name: 'day', values: [0, 1, 2, 3] },
          { name: 'hour', values: [1] },
        ],
      },
      {},
      'FW_BACKUP_OTHER_MODEL',
      'hour has other values',
    ],
    [
      'too old',
      { startedAt: '2020-01-01T00:00:00.000Z', model: 'm' },
      { maxAgeMs: 60_000 },
      'FW_BACKUP_TOO_OLD',
      'longer ago than 1m',
    ],
    [
      'other outputs',
      { model: 'm', axes: bench?.request().axes },
      { outputs: ['y'] },
      'FW_BACKUP_OTHER_MODEL',
      'models.m has y',
    ],
  ])('%s', async (_, header, request, code, message) => {
    const axes = 'axes' in header && header.axes !== undefined ? {} : { axes: [...bench.request().axes] as never };
    const cells = [...((header as { axes?: { values: unknown[] }[] }).axes ?? bench.request().axes)];
    const count = cells.reduce((product, { values }) => product * values.length, 1);
    const made = await makeBackup(bench.folder, {
      rows: { a: Array.from({ length: count }, () => 1) },
      header: {
        ...header,
        ...axes,
        startedAt: (header as { startedAt?: string }).startedAt ?? new Date().toISOString(),
      },
    });
    const before = await live();
    await expect(bench.restore(made, request)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await live()).toEqual(before);
    expect(await warmed.system.cache().pointer()).toEqual((await published)[0]);
  });
});
