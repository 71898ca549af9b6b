import { Predictor } from '#shared/predictor/predictor';
import { metricOf } from '../../support/metrics';
import { eventually, someCategories, TestSystem } from '../../support/system';

/** What applications read by the library is shown by the daemon, where they report it. */

jest.setTimeout(60_000);

const categories = someCategories(3);
const [FIRST = '', SECOND = ''] = categories;
let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '100ms' } } });
  system.configureSmall(categories, { every: '1h' });
});
afterAll(() => system.stop());

test('reads of several processes add up, and are on the page of the daemon', async () => {
  const daemon = system.daemon();
  await daemon.cycle();
  for (const asked of [FIRST, SECOND]) {
    const predictor = new Predictor({ redis: system.redis.url, reportStats: true });
    await predictor.predict('m', asked, { day: 0, hour: 0 });
    await predictor.predict('m', asked, { day: 1, hour: 0 });
    expect(predictor.stats().models.m).toMatchObject({ redis: { hit: 1 }, memory: { hit: 1, miss: 1 } });
    await predictor.close();
  }
  const reported = await system.client.hgetall(system.cache().keys.reads);
  expect(reported).toEqual({ 'memory:hit': '2', 'memory:miss': '2', 'redis:hit': '2' });
  const shown = () => metricOf(daemon, 'forewarm_library_reads_total{model="m",tier="redis",outcome="hit"}');
  await eventually('the look of the watchdog after both', async () => (await shown()) === 2);
});

test('who does not report leaves nothing', async () => {
  await system.client.del(system.cache().keys.reads);
  const predictor = new Predictor({ redis: system.redis.url });
  await predictor.predict('m', FIRST, { day: 0, hour: 0 });
  await predictor.close();
  expect(await system.client.exists(system.cache().keys.reads)).toBe(0);
});

test('a reader with all tiers is made of a configuration file', async () => {
  const predictor = Predictor.fromConfig(`${system.folder}/forewarm.yaml`, { memory: false });
  expect((await predictor.predict('m', SECOND, { day: 3, hour: 5 })).tier).toBe('redis');
  const row = system.cache().keys.row((await predictor.describe('m')).generation, SECOND);
  await system.client.del(row);
  expect(await predictor.predict('m', SECOND, { day: 3, hour: 5 })).toMatchObject({
    tier: 'postgres',
    values: { prediction: 22.75 },
  });
  expect((await predictor.predict('m', FIRST, { day: 0, hour: 0 })).values).toEqual({ prediction: 10 });
  await predictor.close();
  expect(() => Predictor.fromConfig('/nowhere.yaml')).toThrow(expect.objectContaining({ code: 'FW_CONFIG_MISSING' }));
});
