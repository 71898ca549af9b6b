import { eventually, someCategories, TestSystem } from '../support/system';

/** Queues are open to whoever can write to their Redis: what is no job of the registry fails at once and harms nothing. */

jest.setTimeout(60_000);

const GENERATION = '0123456789ab';

let system: TestSystem;

beforeEach(async () => {
  system = await TestSystem.start();
});
afterEach(() => system.stop());

/** What a batch carries, of a generation that no file here is. */
const batch = {
  ...{ cycle: 'c', number: 0, model: 'm', generation: GENERATION },
  ...{ mode: 'compute', copyKept: false, categories: ['a'] },
};

test('unknown job names and bad payloads fail for good at the first attempt, and the daemon goes on', async () => {
  system.configureSmall(someCategories(5), { every: '1s' });
  const daemon = system.daemon();
  await daemon.cycle();
  const wrong: [queue: string, name: string, data: unknown, reason: RegExp][] = [
    ['warm', 'destroy', {}, /^FW_JOB_UNKNOWN: queue warm holds a job named "destroy"$/],
    ['warm', '', {}, /^FW_JOB_UNKNOWN: queue warm holds a job named ""$/],
    ['warm', 'warm-batch', batch, /^FW_JOB_UNKNOWN: queue warm holds a job named "warm-batch"$/],
    ['warm', 'warm', { model: 'm' }, /^FW_JOB_PAYLOAD: data of job warm: .*trigger/s],
    ['warm', 'warm', { model: 'm', trigger: 'now' }, /^FW_JOB_PAYLOAD: .*schedule/s],
    ['warm', 'warm', { model: 'm', trigger: 'heal', more: 1 }, /^FW_JOB_PAYLOAD: .*more/s],
    ['warm', 'warm', [], /^FW_JOB_PAYLOAD: /],
    ['warm-batch', 'warm-batch', { ...batch, categories: [] }, /^FW_JOB_PAYLOAD: .*categories/s],
    ['warm-batch', 'warm-batch', { ...batch, generation: '../../etc' }, /^FW_JOB_PAYLOAD: .*generation/s],
    ['publish', 'publish', { cycle: 'c' }, /^FW_JOB_PAYLOAD: .*batchSizes/s],
    ['warm-on-startup', 'warm-on-startup', { model: '' }, /^FW_JOB_PAYLOAD: .*model/s],
    ['prune-history', 'prune-history', { keep: 0 }, /^FW_JOB_PAYLOAD: .*keep/s],
  ];
  const added = await Promise.all(
    wrong.map(async ([name, job, data, reason]) => {
      const queue = system.queue(name);
      const { id = '' } = await queue.add(job, data, { attempts: 5, backoff: 10 });
      return { queue, id, reason };
    }),
  );
  for (const { queue, id, reason } of added) {
    const failed = await eventually(`the end of ${id}`, async () => {
      return (await queue.getJobState(id)) === 'failed' && queue.getJob(id);
    });
    expect(failed.failedReason).toMatch(reason);
    expect(failed.attemptsMade).toBe(1);
  }
  const failures = daemon.lines.filter(({ message }) => message === 'job failed for good');
  expect(failures).toHaveLength(wrong.length);
  expect(failures.every(({ attempt, code, level }) => attempt === '1/5' && code && level === 'error')).toBe(true);
  expect(await daemon.cycle('complete', daemon.mark)).toMatchObject({ trigger: 'schedule', computed: 5 });
  expect((await fetch(`${await daemon.url()}/readyz`)).status).toBe(200);
});

test('a batch for a generation that the model file is not is tried again, and writes no row', async () => {
  system.configureSmall(someCategories(5), { every: '1h' });
  const daemon = system.daemon();
  await daemon.cycle();
  const queue = system.queue('warm-batch');
  const { id = '' } = await queue.add('warm-batch', batch, { attempts: 2, backoff: 10 });
  const failed = await eventually('the end of the batch', async () => {
    return (await queue.getJobState(id)) === 'failed' && queue.getJob(id);
  });
  expect(failed.attemptsMade).toBe(2);
  expect(failed.failedReason).toMatch(/^FW_MODEL_CHANGED: .* the batch is for 0123456789ab$/);
  expect(await system.client.keys(`forewarm:m:${GENERATION}*`)).toEqual([]);
});

test('jobs that run once at a time over all machines are limited before there is one', async () => {
  system.configureSmall(someCategories(2), { every: '1h' });
  const seen: string[] = [];
  const monitor = await system.client.monitor();
  monitor.on('monitor', (_time: string, [command = '', key = '', ...more]: string[]) => {
    if (/^hset$/i.test(command) && key.endsWith(':meta') && more.includes('concurrency')) seen.push(`limit ${key}`);
    if (/^xadd$/i.test(command) && more.includes('added')) seen.push(`job ${key}`);
  });
  await system.daemon().cycle();
  await eventually('the monitor', () => seen.some((what) => what.startsWith('job {forewarm}:warm-batch:')));
  monitor.disconnect();
  for (const job of ['warm-on-startup', 'publish']) {
    const limit = seen.indexOf(`limit {forewarm}:${job}:meta`);
    expect(limit).toBeGreaterThanOrEqual(0);
    expect(limit).toBeLessThan(seen.indexOf(`job {forewarm}:${job}:events`));
  }
});
