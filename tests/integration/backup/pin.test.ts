import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../../slow/cli/command';
import type { DaemonProcess } from '../../support/daemon-process';
import { eventually, smallModel, someCategories, TestSystem } from '../../support/system';

/** A generation that an operator restored stays, whatever the model file gives, and a model without a file starts from a copy. */

jest.setTimeout(120_000);

const categories = someCategories(10);

let system: TestSystem;
let daemon: DaemonProcess;
/** Generations of the two files, and the name of the backup of the first. */
let first: string;
let second: string;
let name: string;

const run = async (...args: string[]) => JSON.parse((await say([...args, '--json'], system.folder)).stdout);
const pointer = () => system.cache().pointer();
const live = async (generation: string): Promise<void> => {
  await eventually(`${generation} to be live`, async () => (await pointer())?.generation === generation);
};

beforeAll(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 }, watchdog: { every: '200ms' } } });
  const folder = join(system.folder, 'kept');
  mkdirSync(folder);
  const backup = { folder, schedule: 'off' };
  system.configureSmall(categories, { every: '1s', startFrom: ['postgres', 'backup', 'model'], settings: { backup } });
  daemon = system.daemon();
  first = String((await daemon.cycle()).live);
  const { files } = await run('backup', '--wait');
  name = files[0].file.replace('.jsonl.gz', '');
  system.write('m.onnx', smallModel(categories, { bias: 100 }));
  second = String(
    (await daemon.logged(({ message, generation }) => message === 'generation published' && generation !== first))
      .generation,
  );
});
afterAll(() => system.stop());

test('a restored generation is pinned: the loop rests, who asks for a cycle is told, and status says so', async () => {
  // A cycle in whose midst the file was replaced has failed, and said so.
  const { mark } = daemon;
  expect(await run('restore', name)).toMatchObject({
    generation: first,
    published: true,
    pinned: true,
    replaced: second,
  });
  await eventually('a tick that is skipped', async () => {
    const jobs = await system.queue('warm').getJobs(['completed']);
    return jobs.some(({ returnvalue }) => returnvalue?.skipped === `the model is pinned to ${first}`);
  });
  expect(await pointer()).toMatchObject({ generation: first, pinnedOver: second });
  const refused = await say(['warm', '--wait'], system.folder);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('error FW_MODEL_PINNED') });
  expect(refused.stderr).toContain(`error FW_MODEL_PINNED: m is pinned to generation ${first}`);
  expect(refused.stderr).toContain('forewarm unpin');
  expect((await say(['status'], system.folder)).stdout).toMatch(/^ {2}pinned +over generation .*forewarm unpin/m);
  const errors = daemon.lines.slice(mark).filter(({ level }) => level === 'error');
  expect(errors.map(({ code }) => code)).toEqual(['FW_MODEL_PINNED']);
});

test('a cache that is lost comes back as it was pinned, from Postgres', async () => {
  await system.client.flushall();
  await live(first);
  expect(await pointer()).toMatchObject({ generation: first, pinnedOver: second });
  expect((await system.rows(first, categories)).size).toBe(categories.length);
});

test('unpin publishes the model file again; a second one has nothing to do', async () => {
  expect(await run('unpin')).toMatchObject({ generation: first, pinnedOver: second });
  await live(second);
  expect(await pointer()).not.toHaveProperty('pinnedOver');
  const again = await say(['unpin'], system.folder);
  expect(again.code).toBe(5);
  expect(again.stderr).toContain('FW_NOT_PINNED');
});

test('another model file ends a pin', async () => {
  expect(await run('restore', name)).toMatchObject({ generation: first, pinned: true });
  system.write('m.onnx', smallModel(categories, { bias: 200 }));
  await eventually(
    'the third generation',
    async () => ![first, second].includes((await pointer())?.generation ?? first),
  );
  expect(await pointer()).not.toHaveProperty('pinnedOver');
});

describe('without the model file', () => {
  const file = () => join(system.folder, 'm.onnx');
  beforeAll(() => daemon.stop());

  test.each([
    ['Postgres', async () => undefined],
    ['the newest backup', async () => void (await system.pool.query('DELETE FROM forewarm.row'))],
  ])('a daemon serves %s, and the file when it is back', async (_, prepare) => {
    renameSync(file(), `${file()}.away`);
    await prepare();
    await system.client.flushall();
    daemon = system.daemon();
    const { message } = await daemon.logged(({ level }) => level === 'warn');
    expect(message).toBe('the model file is missing: copies of its predictions are served until it is there');
    await daemon.logged((line) => line.message === 'the model file is missing: what is served is a copy');
    const generation = (await pointer())?.generation ?? '';
    expect((await system.rows(generation, categories)).size).toBe(categories.length);
    renameSync(`${file()}.away`, file());
    await daemon.cycle('complete', daemon.mark);
    await daemon.stop();
  });
});
