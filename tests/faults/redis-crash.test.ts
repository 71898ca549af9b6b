import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type Redis from 'ioredis';
import { decodeRow } from '#shared/cache/row';
import { type DaemonProcess, errorsIn, type LogLine } from '../support/daemon-process';
import type { SteadyReader } from '../support/steady-reader';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** Both Redis killed in the middle of a cycle, and started again on their append-only files (fsync every second). */

jest.setTimeout(120_000);

const categories = someCategories(24);
const SLOW = categories[13] ?? '';
/** Longer than the lock of a job lives. */
const LONG_MS = 8_000;
/** What `appendfsync everysec` lets a server lose. */
const EVERYSEC_MS = 2_000;

/** One category takes long enough to be in the middle of a cycle. */
const SLOW_MODEL = { slow: { iterations: 50_000, when: { input: 'category', equals: SLOW } } };

let system: TestSystem;
let daemon: DaemonProcess;
let reader: SteadyReader;
let live: string;

beforeEach(async () => {
  system = await TestSystem.start({ redis: { appendOnly: true }, queueRedis: { appendOnly: true } });
  system.configureSmall(categories, {
    every: '5s',
    batchSize: 4,
    model: SLOW_MODEL,
    settings: { inference: { processes: 2 }, watchdog: { every: '1s' } },
  });
  daemon = system.daemon();
  live = String((await daemon.cycle()).live);
  await daemon.cycle('complete', daemon.mark);
  reader = await system.reader(categories);
});
afterEach(() => system.stop());

test.each([
  ['for a moment', 0],
  ['for longer than the locks of jobs live', LONG_MS],
])('away %s: what was acknowledged is back, the cycle that ran is finished, and others follow', async (_, awayMs) => {
  const writers = [new Acknowledged(system.client), new Acknowledged(system.queueClient)];
  const [before, pointer] = [await system.rows(live, categories), await system.cache().pointer()];
  const schedules = await scheduled();
  await daemon.computing();
  const mark = daemon.mark;
  // At once: a cycle does not take long.
  await killBoth();
  const running = await system.recorded(({ state }) => state === 'running');
  await daemon.logged(({ message }) => message.startsWith('connection to Redis'), { after: mark });
  await delay(awayMs);
  await startBoth();
  const back = performance.now();

  for (const writer of writers) expect(await writer.lost()).toBeLessThanOrEqual(writer.last(EVERYSEC_MS));
  expect(await system.cache().pointer()).toEqual(pointer);
  expect(await scheduled()).toEqual(schedules);
  expectNoneOlder(await system.rows(live, categories), before);

  const finished = await daemon.logged(isEndOf(running.id), { after: mark });
  expect(finished).toMatchObject({ message: 'cycle complete', computed: 24, durable: 24, live });
  // Twice the life of a lock, and what is left of the cycle.
  expect(performance.now() - back).toBeLessThan(20_000);
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'schedule', computed: 24, live });
  const lines = daemon.lines.slice(mark);
  expect(lines.filter(isEndOf(running.id))).toHaveLength(1);
  expect(lines.filter(({ message }) => message.startsWith('schedules'))).toEqual([]);
  expect(errorsIn(lines)).toEqual([]);
  expect(lines.length).toBeLessThan(40);
  await expectReadRightly();
});

test('a power cut takes the last second of both files: the cycle is given up, and the next one comes by itself', async () => {
  const files = [await appendOnlyFile(system.client), await appendOnlyFile(system.queueClient)];
  const pointer = await system.cache().pointer();
  await daemon.computing();
  const running = await system.recorded(({ state }) => state === 'running');
  await eventually('jobs and rows of it in the files', () =>
    files.every(({ path, bytes }) => statSync(path).size > bytes),
  );
  const mark = daemon.mark;
  await killBoth();
  for (const { path, bytes } of files) truncateSync(path, bytes);
  await startBoth();
  const back = performance.now();
  expect(await system.cache().pointer()).toEqual(pointer);
  expect(await system.cache().missing(live, categories)).toEqual([]);

  const next = await daemon.cycle('complete', mark);
  expect(next).toMatchObject({ computed: 24, durable: 24, live });
  expect(next.cycle).not.toBe(running.id);
  // A period, and what the watchdog needs where the schedule was cut off as well.
  expect(performance.now() - back).toBeLessThan(25_000);
  const lost = await system.recorded(({ id, finishedAt }) => id === running.id && finishedAt !== null);
  expect(lost).toMatchObject({ state: 'failed', reason: 'its jobs vanished from the queue' });
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'schedule', computed: 24 });
  expect(await scheduled()).toEqual(['prune-history-all', 'warm-m']);
  await expectReadRightly();
});

test('a power cut that takes rows of a new model: what the queue takes for done is not published before all rows are there', async () => {
  // Of the cache alone: the queue still knows that batches are done whose rows are gone.
  const { path, bytes } = await appendOnlyFile(system.client);
  await reader.stop();
  const mark = daemon.mark;
  system.write('m.onnx', smallModel(categories, { ...SLOW_MODEL, bias: 1 }));
  const { generation: next } = await system.recorded(
    ({ generation, state }) => generation !== live && state === 'running',
  );
  await eventually('rows of the new model', async () => (await system.rows(String(next), categories)).size >= 8);
  await daemon.computing();
  await killBoth();
  truncateSync(path, bytes);
  await startBoth();

  const withheld = await daemon.cycle('degraded', mark);
  expect(withheld).toMatchObject({
    live,
    reason: expect.stringMatching(/^generation not published: gate coverage: \d+ rows of /),
  });
  expect(await system.cache().pointer()).toMatchObject({ generation: live });
  expect(await system.cache().missing(live, categories)).toEqual([]);
  const published = await daemon.logged(({ message }) => message === 'generation published', { after: mark });
  expect(published).toMatchObject({ generation: next, previous: live });
  expect(await system.cache().missing(String(next), categories)).toEqual([]);
  expect(daemon.lines.slice(mark).filter(({ message }) => message === 'generation published')).toHaveLength(1);
});

/** While Redis is away an application is told so, and never something else. */
async function expectReadRightly(): Promise<void> {
  const before = reader.answers;
  await eventually('more answers', () => reader.answers > before);
  await reader.stop();
  expect(reader.wrong).toEqual([]);
  for (const [what] of reader.refused) expect(what).toMatch(/^FW_READ_FAILED: /);
}

async function killBoth(): Promise<void> {
  await Promise.all([system.redis.kill(), system.queueRedis.kill()]);
}

async function startBoth(): Promise<void> {
  await Promise.all([system.redis.start(), system.queueRedis.start()]);
}

async function scheduled(): Promise<string[]> {
  const of = async (job: string) => (await system.queue(job).getJobSchedulers()).map(({ key }) => key);
  return [...(await of('prune-history')), ...(await of('warm'))];
}

function isEndOf(cycle: string): (line: LogLine) => boolean {
  return (line) => line.cycle === cycle && /^cycle (complete|degraded|failed)$/.test(line.message);
}

/** The daemon goes on writing as soon as it can. */
function expectNoneOlder(after: ReadonlyMap<string, Buffer>, before: ReadonlyMap<string, Buffer>): void {
  expect([...after.keys()]).toEqual(categories);
  for (const [category, bytes] of after) {
    expect(computedAt(bytes)).toBeGreaterThanOrEqual(computedAt(before.get(category) ?? bytes));
  }
}

function computedAt(bytes: Buffer): number {
  const decoded = decodeRow(bytes);
  if (!decoded.ok) throw new Error(decoded.fault);
  return decoded.row.computedAtMs;
}

/** The file that the server appends to, and how far it has come. */
async function appendOnlyFile(client: Redis): Promise<{ path: string; bytes: number }> {
  const [, folder = ''] = (await client.config('GET', 'dir')) as string[];
  const files = join(folder, 'appendonlydir');
  const path = join(files, readdirSync(files).find((name) => name.endsWith('.incr.aof')) ?? '');
  return { path, bytes: statSync(path).size };
}

/** A client that counts up as fast as the server answers, until it is gone. */
class Acknowledged {
  private readonly client: Redis;
  /** When each was acknowledged. */
  private readonly times: number[] = [];
  private readonly ended: Promise<void>;

  constructor(client: Redis) {
    this.client = client;
    this.ended = this.run();
  }

  /** How many of the writes that were acknowledged the server does not have any more. */
  async lost(): Promise<number> {
    await this.ended;
    return Math.max(0, this.times.length - Number(await this.client.getdel('acknowledged')));
  }

  /** How many were acknowledged in the last while before the end. */
  last(ms: number): number {
    const end = this.times.at(-1) ?? 0;
    return this.times.filter((time) => time > end - ms).length;
  }

  private async run(): Promise<void> {
    const { client } = this;
    const gone = new Promise<'gone'>((resolve) => client.once('close', () => resolve('gone')));
    for (;;) {
      const answer = await Promise.race([client.incr('acknowledged').catch(() => 'gone' as const), gone]);
      if (answer === 'gone') return;
      this.times.push(performance.now());
      await delay(1);
    }
  }
}
