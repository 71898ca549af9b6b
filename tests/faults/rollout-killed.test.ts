import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../support/daemon-process';
import { eventually, smallModel, someCategories, TestSystem } from '../support/system';

/** Daemons that are killed at any moment of a rollout: it is resumed or begun anew, and what is live is whole all the time. */

jest.setTimeout(180_000);

const KILLS = 6;
/** From the change of the file to a little after the flip: it is left alone for a second, then warmed and published. */
const LONGEST_MS = 2_500;
const categories = someCategories(300);

let system: TestSystem;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
});
afterAll(() => system.stop());

test('whoever starts next ends the rollout, and no row of what is live was ever missing', async () => {
  system.configureSmall(categories, { every: '1s', batchSize: 20 });
  let daemon = system.daemon();
  let live = String((await daemon.cycle()).live);
  const pointer = () => system.cache().pointer();
  for (let kill = 0; kill < KILLS; kill++) {
    system.write('m.onnx', smallModel(categories, { bias: 100 * (kill + 1) }));
    await delay(((kill + Math.random()) / KILLS) * LONGEST_MS);
    const children = await daemon.children();
    await daemon.stop('SIGKILL');
    await eventually('its processes to end', async () => {
      return (await Promise.all(children.map((pid) => isAlive(pid)))).every((alive) => !alive);
    });
    const now = await pointer();
    expect(await system.cache().missing(now?.generation ?? '', categories)).toEqual([]);

    daemon = system.daemon();
    const next = await eventually('the new generation to be live', async () => {
      const { generation } = (await pointer()) ?? {};
      return generation !== undefined && generation !== live && generation;
    });
    expect((await system.rows(next, categories)).size).toBe(categories.length);
    expect(await pointer()).toMatchObject({ generation: next, previous: live });
    await daemon.cycle('complete');
    live = next;
  }
  // Of those before the last two nothing is left.
  await eventually('old generations to be gone', async () => {
    const { rows } = await system.pool.query("SELECT id FROM forewarm.generation WHERE state <> 'dropped'");
    return rows.length === 2;
  });
});
