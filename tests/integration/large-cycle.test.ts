import { someCategories, TestSystem } from '../support/system';

/** A large grid: many batches, one of which loses its process, and what is left in the queue afterwards. */

jest.setTimeout(120_000);

const categories = someCategories(20_000);
const [, , , , , , , SLOW = ''] = categories;

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

test('20,000 categories with a batch whose process is killed: every row is there once, and the queue is empty', async () => {
  const model = { slow: { iterations: 60_000, when: { input: 'category', equals: SLOW } } };
  system.configureSmall(categories, { model, every: '1h' });
  const daemon = system.daemon();
  await system.recorded(({ state }) => state === 'running');
  process.kill(await daemon.computing(), 'SIGKILL');
  await daemon.logged(({ message }) => message.startsWith('inference process lost'));
  const cycle = await daemon.cycle();
  expect(cycle).toMatchObject({ rows: 20_000, durable: 20_000 });
  // What the killed process had written to the cache is kept, and copied.
  expect(Number(cycle.computed) + Number(cycle.verified ?? 0)).toBe(20_000);
  const generation = String(cycle.live);
  expect(await system.cache().missing(generation, categories)).toEqual([]);
  expect(await system.cache().indexSize(generation)).toBe(20_000);
  const { rows } = await system.pool.query('SELECT count(*) AS n FROM forewarm.row');
  expect(rows).toEqual([{ n: '20000' }]);

  // Batches vanish with their end; their small results stay with the cycle, for a minute.
  const batches = system.queue('warm-batch');
  expect(await batches.getJobCountByTypes('wait', 'active', 'delayed', 'completed', 'failed')).toBe(0);
  const left = (await system.client.keys(`{forewarm}:*${cycle.cycle}*`)).sort();
  const publish = `{forewarm}:publish:${cycle.cycle}`;
  expect(left).toEqual([publish, `${publish}:processed`]);
  const sizes = await Promise.all(left.map((key) => system.client.memory('USAGE', key)));
  expect(Math.max(...sizes.map(Number))).toBeLessThan(65_536);
  expect((await system.queue('publish').getJob(String(cycle.cycle)))?.opts.removeOnComplete).toEqual({
    count: 100,
    age: 60,
  });
});
