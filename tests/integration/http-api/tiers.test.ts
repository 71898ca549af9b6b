import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DaemonProcess, errorsIn } from '../../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../../support/system';
import { ask } from './client';

/** A daemon that only answers, while what it reads from goes and comes. */

jest.setTimeout(180_000);

const categories = someCategories(6);

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start({ ownPostgres: true, settings: { watchdog: { every: '1h' } } });
  // Nothing is held in memory: each answer comes from where the rows are.
  system.configureSmall(categories, { every: '1h', settings: { reader: { memory: '0B' } } });
});
afterEach(() => system.stop());

/** Warms once, and leaves nothing running. */
async function warmed(): Promise<void> {
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker']);
  await daemon.cycle();
  await daemon.stop();
}

async function answering(): Promise<{ readonly daemon: DaemonProcess; readonly url: string }> {
  const daemon = system.daemon(['start', '--roles', 'api']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return { daemon, url: await daemon.url() };
}

const predict = (url: string, category = categories[1] ?? '') =>
  ask(url, `/v1/models/m/predictions?${new URLSearchParams({ category, day: '3', hour: '4' })}`);

/** What the usual model gives for the second category. */
const EXPECTED = { prediction: 22.5 };

async function expectAnswered(url: string, tier: string): Promise<void> {
  await eventually(`readiness from ${tier}`, async () => {
    const { status, json } = await ask(url, '/readyz');
    return status === 200 && json.ready && json.checks['model m'] === `answered from ${tier}`;
  });
  // A process of the model may still be starting: the reader and what tells its readiness have one each.
  const { headers, json } = await eventually(`an answer from ${tier}`, async () => {
    const answer = await predict(url);
    return answer.status === 200 && answer;
  });
  expect([json, headers]).toMatchObject([{ values: EXPECTED, tier }, { 'forewarm-tier': tier }]);
  expect(await ask(url, '/v2/health/ready')).toMatchObject({ status: 200, json: { ready: true } });
  expect(await ask(url, '/v2/models/m/ready')).toMatchObject({ status: 200, json: { name: 'm', ready: true } });
}

test('it starts without Redis, answers from PostgreSQL, without both by the model, and from Redis when that is back', async () => {
  await warmed();
  await system.redis.down();
  const { daemon, url } = await answering();
  expect(errorsIn(daemon.lines)).toEqual([]);
  await expectAnswered(url, 'postgres');
  await system.postgres.down();
  await expectAnswered(url, 'model');
  await Promise.all([system.redis.start(), system.postgres.start()]);
  await warmed();
  await expectAnswered(url, 'redis');
  expect((await ask(url, '/readyz')).json.checks).toMatchObject({ daemon: 'started', 'redis-cache': 'ready' });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});

test('without anything to read from it is alive and not ready, says why, and refuses as it should', async () => {
  const { url } = await answering();
  await expectAnswered(url, 'model');
  rmSync(join(system.folder, 'm.onnx'));
  await Promise.all([system.redis.down(), system.postgres.down()]);
  await eventually('that it is not ready', async () => (await ask(url, '/readyz')).status === 503);
  const { json } = await ask(url, '/readyz');
  expect(json).toMatchObject({
    ready: false,
    checks: { 'model m': expect.stringMatching(/^cannot be answered: FW_/) },
  });
  for (const path of ['/healthz', '/v2/health/live'])
    expect([path, (await ask(url, path)).status]).toEqual([path, 200]);
  expect(await ask(url, '/v2/health/ready')).toMatchObject({ status: 400, json: { ready: false } });
  expect(await ask(url, '/v2/models/m/ready')).toMatchObject({ status: 400, json: { name: 'm', ready: false } });

  const refused = await predict(url, categories[2]);
  expect(refused).toMatchObject({ status: 503, json: { code: 'FW_READ_FAILED', status: 503 } });
  expect(refused.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  const item = { category: categories[2], coordinates: { day: 1, hour: 1 } };
  const many = await ask(url, '/v1/models/m/predictions', { method: 'POST', body: { items: [item, item] } });
  expect(many).toMatchObject({ status: 503, json: { code: 'FW_READ_FAILED' } });
});

test('beside other roles it says from which tier, and their readiness keeps its meaning', async () => {
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api']);
  await daemon.cycle();
  await daemon.logged(({ message }) => message === 'forewarm is running');
  const url = await daemon.url();
  await expectAnswered(url, 'redis');
  await system.redis.down();
  await eventually('that it is not ready', async () => (await ask(url, '/readyz')).status === 503);
  expect((await predict(url)).json).toMatchObject({ values: EXPECTED, tier: 'postgres' });
});
