import { readdirSync } from 'node:fs';
import { AlertStore } from '#shared/store/alert-store';
import { say } from '../slow/cli/command';
import { rowsOf } from '../support/backups';
import { SmallDisk } from '../support/small-disk';
import { eventually, someCategories, TestSystem } from '../support/system';

/** A disk that is full when a backup is written: one clear error, no half file, an alert; and all is well when there is room. */

jest.setTimeout(90_000);

const possible = SmallDisk.possible() ? test : test.skip;
const categories = someCategories(2_000);

let system: TestSystem;
let disk: SmallDisk;

beforeAll(async () => {
  if (!SmallDisk.possible()) return;
  disk = new SmallDisk(1024 * 1024);
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  const backup = { folder: disk.folder, schedule: 'off', compression: 'none' };
  system.configureSmall(categories, { every: '1h', settings: { backup } });
});
afterAll(async () => {
  await system?.stop();
  disk?.unmount();
});

possible('a full disk', async () => {
  const daemon = system.daemon();
  await daemon.cycle();
  disk.fill();
  const full = await say(['backup', '--wait'], system.folder);
  expect(full.code).toBe(1);
  expect(full.stderr).toMatch(/^error FW_BACKUP_WRITE_FAILED: backup\.folder \S+: ENOSPC: no space left on device/);
  expect(full.stderr).not.toMatch(/^\s+at /m);
  expect(readdirSync(disk.folder)).toEqual(['filler']);
  const alerts = new AlertStore(system.pool);
  const [alert] = await eventually('the alert', async () => {
    const firing = await alerts.firing();
    return firing.length > 0 && firing;
  });
  expect(alert).toMatchObject({ condition: 'backup-failed', model: 'm', facts: { code: 'FW_BACKUP_WRITE_FAILED' } });
  expect(daemon.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { job: 'backup', code: 'FW_BACKUP_WRITE_FAILED' },
  ]);
  expect((await say(['status'], system.folder)).stdout).toMatch(/^ {2}backup-failed m, since .*ENOSPC/m);

  disk.free();
  const said = await say(['backup', '--wait', '--json'], system.folder);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  const [{ file }] = JSON.parse(said.stdout).files;
  expect(await rowsOf(`${disk.folder}/${file}`)).toHaveLength(categories.length);
  expect(await alerts.firing()).toEqual([]);
});
