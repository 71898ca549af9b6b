import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RunningCycles } from '#jobs/cycle/running-cycles';
import { decodeRow } from '#shared/cache/row';
import { HistoryStore } from '#shared/store/history-store';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** A cycle end to end: a real daemon on a real Redis and PostgreSQL. */

jest.setTimeout(60_000);

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('the first cycle computes every row and publishes it to Redis and PostgreSQL', async () => {
  const categories = someCategories(150);
  system.configureSmall(categories);
  const daemon = system.daemon();
  const line = await daemon.cycle();
  expect(line).toMatchObject({ trigger: 'startup', rows: 150, computed: 150, durable: 150, batches: 3 });

  const pointer = await system.cache().pointer();
  expect(pointer).toMatchObject({ format: 1, previous: null, outputs: ['prediction'] });
  expect(pointer?.axes).toEqual([
    { name: 'day', values: [0, 1, 2, 3] },
    { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
  ]);
  const generation = pointer?.generation ?? '';
  expect(await system.cache().metadata()).toMatchObject({ generation, rows: 150, expected: 150, state: 'complete' });
  expect(await system.cache().missing(generation, categories)).toEqual([]);
  expect((await system.client.smembers(`forewarm:m:${generation}:index`)).sort()).toEqual(categories);

  const bytes = await system.client.getBuffer(`forewarm:m:${generation}:row:${categories[7]}`);
  const decoded = decodeRow(bytes ?? Buffer.alloc(0));
  if (!decoded.ok) throw new Error(decoded.fault);
  const expected = Array.from({ length: 24 }, (_, cell) => 0.5 * Math.floor(cell / 6) + 0.25 * (cell % 6) + 80);
  expect([...decoded.row.values]).toEqual(expected);

  const { rows } = await system.pool.query<{ category: string; bytes: Buffer }>(
    'SELECT category, bytes FROM forewarm.row WHERE model = $1 AND generation = $2',
    ['m', generation],
  );
  expect(rows).toHaveLength(150);
  expect(rows.find((row) => row.category === categories[7])?.bytes.equals(bytes ?? Buffer.alloc(0))).toBe(true);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('a cycle that cannot be published has failed, says why, and does not hold its model', async () => {
  const categories = someCategories(6);
  const last = categories[3] ?? '';
  const slow = { iterations: 200_000, when: { input: 'category', equals: last } };
  system.configureSmall(categories, { model: { slow }, every: '1h', batchSize: 1 });
  const daemon = system.daemon();
  await eventually('every row but the slow one', async () => {
    const [index = ''] = await system.client.keys('forewarm:m:*:index');
    return (await system.client.scard(index)) === 5;
  });
  // Nothing is live yet: publishing looks at the file again.
  rmSync(join(system.folder, 'm.onnx'));
  const line = await daemon.cycle('failed');
  expect(line).toMatchObject({
    trigger: 'startup',
    rows: 6,
    reason: expect.stringMatching(/^not published: .*m\.onnx/),
  });

  const recorded = await system.recorded(({ state }) => state === 'failed');
  expect(recorded).toMatchObject({ id: line.cycle, expected: 6, batches: 6, finishedAt: expect.any(Date) });
  const kept = await new HistoryStore(system.pool).cycle(recorded.id);
  expect(kept?.batches.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await new RunningCycles(system.client, 'forewarm').holder('m')).toBeUndefined();
  expect(await system.cache().pointer()).toBeUndefined();

  // The next tick is an hour away: nobody waits for it when nothing is live.
  system.write('m.onnx', smallModel(categories));
  await daemon.logged(({ message }) => message === 'no cycle has ended for too long: one is asked for');
  expect(await daemon.cycle()).toMatchObject({ trigger: 'schedule', rows: 6, computed: 6, durable: 6 });
  expect(await system.cache().pointer()).toBeDefined();
});
