import { CheckedLoad } from '../support/checked-load';
import { withDescendants } from '../support/daemon-process';
import { FaultyProxy } from '../support/servers/proxy';
import { someCategories } from '../support/system';
import { WarmedSystem } from '../support/warmed-system';

/** Readers of rows that Redis does not have while PostgreSQL is slow, gone or frozen: the model answers, every call in time. */

jest.setTimeout(90_000);

const categories = someCategories(30);
const DEADLINE_MS = 8_000;
/** For machines that are held up. */
const SLACK_MS = 1_000;

let warmed: WarmedSystem;
let proxy: FaultyProxy;
let load: CheckedLoad;

beforeAll(async () => {
  warmed = await WarmedSystem.start(categories, { ownPostgres: true });
  proxy = await FaultyProxy.to(warmed.system.postgresUrl);
});
afterAll(async () => {
  await proxy.close();
  await warmed.stop();
});
beforeEach(() => warmed.loseInRedis(categories));
afterEach(async () => {
  await load.stop();
  await proxy.heal();
  await warmed.closePredictors();
});

/** Under load, by a reader that may not write: what Redis lacks it lacks for the whole test. */
async function start(): Promise<void> {
  // The model is slow to start.
  const limits = { limitsMs: { model: 6_000 }, deadlineMs: DEADLINE_MS };
  const reader = warmed.predictor({ postgres: proxy.url, ...limits, writeBack: false });
  load = new CheckedLoad(reader, categories);
  await load.more('postgres');
}

async function expectRecovery(back: () => unknown): Promise<void> {
  await back();
  const tookMs = await load.more('postgres', 1);
  await load.more('postgres');
  await load.stop();
  expect([load.wrong, [...load.refused]]).toEqual([[], []]);
  expect(load.slowestMs).toBeLessThan(DEADLINE_MS + SLACK_MS);
  expect(tookMs).toBeLessThan(3_000 + SLACK_MS);
}

test.each<[string, () => unknown]>([
  ['answers half a second late', () => proxy.delay(250)],
  ['is stopped in good order', () => proxy.cut()],
  ['resets every connection', () => proxy.reset()],
  ['takes everything and says nothing', () => proxy.freeze()],
])('a PostgreSQL that %s', async (_, fault) => {
  await start();
  await fault();
  await load.more('model', 200);
  await load.goOn(700);
  await expectRecovery(() => proxy.heal());
});

test('a PostgreSQL whose processes all stand still for two seconds', async () => {
  await start();
  const { pid } = warmed.system.postgres;
  const pids = await withDescendants(pid === undefined ? [] : [pid]);
  const signal = (name: NodeJS.Signals) => {
    for (const one of pids) process.kill(one, name);
  };
  signal('SIGSTOP');
  try {
    await load.more('model', 100);
    await load.goOn(2_000);
  } finally {
    signal('SIGCONT');
  }
  await expectRecovery(() => undefined);
});

test('a PostgreSQL that is started anew', async () => {
  await start();
  await warmed.system.postgres.restart();
  await expectRecovery(() => undefined);
});

test('a PostgreSQL that is killed', async () => {
  await start();
  await warmed.system.postgres.kill();
  await load.more('model', 100);
  await expectRecovery(() => warmed.system.postgres.start());
});

test('one whose table is locked for a while', async () => {
  await start();
  const client = await warmed.system.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE forewarm.row IN ACCESS EXCLUSIVE MODE');
  await load.more('model', 100);
  await client.query('ROLLBACK');
  client.release();
  await expectRecovery(() => undefined);
});

test('rows that it cannot take are answered all the same, and are written when it is back', async () => {
  await warmed.loseInPostgres(categories);
  const limits = { limitsMs: { model: 6_000 }, deadlineMs: DEADLINE_MS };
  const errors: string[] = [];
  const reader = warmed.predictor({ postgres: proxy.url, ...limits, onError: (_, tier) => errors.push(tier) });
  await reader.describe('m');
  await proxy.freeze();
  load = new CheckedLoad(reader, categories);
  // They are in Redis by way of the readers.
  await load.more('redis', 100);
  await load.stop();
  expect([load.wrong, [...load.refused]]).toEqual([[], []]);
  expect((await warmed.system.rows(warmed.generation, categories)).size).toBe(categories.length);
  await proxy.heal();
  await reader.close();
  await warmed.restore();
});
