import { statSync } from 'node:fs';
import { type DaemonProcess, errorsIn } from '../support/daemon-process';
import { metricOf } from '../support/metrics';
import { SmallDisk } from '../support/small-disk';
import { smallModel, someCategories, TestSystem } from '../support/system';

/** A disk without room under PostgreSQL, and under the append-only file of the queue. */

jest.setTimeout(90_000);

const [title, withDisk] = SmallDisk.possible()
  ? (['', test] as const)
  : ([' (left out: it takes the right to mount a disk)', test.skip] as const);

const categories = someCategories(40);
const MEGABYTE = 1024 ** 2;
/** Written at the end of each cycle: together more than a page of PostgreSQL has room for. */
const MANY_BATCHES = { batchSize: 1, settings: { watchdog: { every: '1s' } } };
const NO_ROOM = /No space left on device/;

let system: TestSystem;
let daemon: DaemonProcess;
let disk: SmallDisk;

afterEach(async () => {
  await system.stop();
  disk.unmount();
});

withDisk(`the history has no room: one line says so, cycles go on, and with room none is missing${title}`, async () => {
  await startOnPostgres('2s');
  const { live } = await daemon.cycle();
  await system.recorded(({ state }) => state === 'complete');
  await moveToDisk('cycle', 'batch');
  const reader = await system.reader(categories);
  const full = daemon.mark;
  disk.fill();

  const told = await daemon.logged(notRecorded, { after: full });
  expect(told).toMatchObject({ level: 'warn', code: 'FW_POSTGRES_UNAVAILABLE', error: expect.stringMatching(NO_ROOM) });
  for (let cycles = 0; cycles < 3; cycles++) {
    // Rows are rewritten in their pages, which takes no room.
    expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 40, durable: 40, live });
  }
  expect(await metricOf(daemon, 'forewarm_history_backlog')).toBeGreaterThanOrEqual(3);
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
  const lines = daemon.lines.slice(full);
  expect(lines.filter(notRecorded)).toHaveLength(1);
  expect(lines.filter(({ message }) => !message.startsWith('cycle ')).length).toBeLessThan(5);
  expect(errorsIn(lines)).toEqual([]);

  disk.free();
  await daemon.logged(({ message }) => message.startsWith('cycles were recorded late'), { after: full });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  await reader.stop();
  expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
  const history = new Map((await system.history()).map((cycle) => [cycle.id, cycle]));
  for (const { cycle } of daemon.lines.filter(({ message }) => message === 'cycle complete')) {
    expect(history.get(String(cycle))).toMatchObject({ state: 'complete', durable: 40 });
  }
});

withDisk(`rows have no room: a new model is served all the same, and copied when there is room${title}`, async () => {
  await startOnPostgres('2s');
  const { live } = await daemon.cycle();
  await moveToDisk('row');
  disk.fill();
  const full = daemon.mark;
  system.write('m.onnx', smallModel(categories, { bias: 1 }));

  const published = await daemon.logged(({ message }) => message === 'generation published', { after: full });
  expect(published.previous).toBe(live);
  const next = String(published.generation);
  const degraded = await daemon.logged(({ message, live }) => message === 'cycle degraded' && live === next, {
    after: full,
  });
  expect(degraded.reason).toMatch(/^Postgres was not written by \d+ batch(es)?: /);
  expect(degraded.reason).toMatch(NO_ROOM);
  expect(await system.cache().missing(next, categories)).toEqual([]);
  expect((await system.durableRows(next, categories)).size).toBeLessThan(40);

  disk.free();
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 40, durable: 40, live: next });
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  expect(await system.durableRows(next, categories)).toEqual(await system.rows(next, categories));
  expect(errorsIn(daemon.lines.slice(full))).toEqual([]);
});

withDisk(
  `the queue cannot write its file: it refuses work, which is told once, and goes on with room${title}`,
  async () => {
    disk = new SmallDisk(2 * MEGABYTE);
    // The folder of the file can be set while the server runs: it is not in the way of its start.
    system = await TestSystem.start({ queueRedis: { args: ['--enable-protected-configs', 'yes'] } });
    await system.queueClient.config('SET', 'dir', disk.folder);
    await system.queueClient.config('SET', 'appendonly', 'yes');
    system.configureSmall(categories, { every: '2s', ...MANY_BATCHES });
    daemon = system.daemon();
    const { live } = await daemon.cycle();
    const reader = await system.reader(categories);
    const full = daemon.mark;
    disk.fill();

    const told = await daemon.logged(({ message }) => message.startsWith('the queue Redis refuses writes'), {
      after: full,
    });
    expect(told).toMatchObject({
      level: 'warn',
      error: expect.stringMatching(/^MISCONF Errors writing to the AOF file/),
    });
    expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(503);

    disk.free();
    const room = daemon.mark;
    await daemon.logged(({ message }) => message === 'the queue Redis takes writes again', { after: room });
    expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ computed: 40, durable: 40, live });
    expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
    await reader.stop();
    expect([reader.wrong, [...reader.refused]]).toEqual([[], []]);
    const lines = daemon.lines.slice(full);
    // A tick that was under way fails for it.
    const others = lines.filter(({ level, error }) => level === 'error' && !NO_ROOM.test(String(error)));
    expect(others).toEqual([]);
    expect(lines.filter(({ message }) => !message.startsWith('cycle ')).length).toBeLessThan(8);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  },
);

async function startOnPostgres(every: string): Promise<void> {
  disk = new SmallDisk(2 * MEGABYTE);
  system = await TestSystem.start({ ownPostgres: true });
  system.configureSmall(categories, { every, ...MANY_BATCHES });
  daemon = system.daemon();
}

/** As if these tables had a disk of their own; the log of PostgreSQL, without which it does not run, has another. */
async function moveToDisk(...tables: readonly string[]): Promise<void> {
  const { rows } = await system.pool.query<{ data_directory: string }>('SHOW data_directory');
  disk.giveTo(statSync(rows[0]?.data_directory ?? ''));
  await system.pool.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
  for (const table of tables) await system.pool.query(`ALTER TABLE forewarm.${table} SET TABLESPACE small`);
}

function notRecorded({ message }: { readonly message: string }): boolean {
  return message.startsWith('the cycle could not be recorded');
}
