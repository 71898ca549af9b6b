import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupManifest } from '#shared/backup/documents';
import { AlertStore } from '#shared/store/alert-store';
import { say } from '../slow/cli/command';
import { metricOf } from '../support/metrics';
import { eventually, someCategories, TestSystem } from '../support/system';

/** What is on record in PostgreSQL, as the metrics of every daemon. */

jest.setTimeout(60_000);

let system: TestSystem;
beforeEach(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 }, watchdog: { every: '1s' } } });
});
afterEach(() => system.stop());

test('alerts that fire and the newest backup are metrics of each daemon, whichever of them wrote them', async () => {
  const folder = join(system.folder, 'kept');
  mkdirSync(folder);
  system.configureSmall(someCategories(3), { every: '1h', settings: { backup: { folder, schedule: 'off' } } });
  const daemon = system.daemon();
  await daemon.cycle();
  const backup = await say(['backup', '--wait', '--json'], system.folder);
  const [manifest] = (JSON.parse(backup.stdout) as { files: BackupManifest[] }).files;
  const alerts = new AlertStore(system.pool);
  const alert = { condition: 'gate-refused', model: 'm', message: 'a value is not finite', facts: {} };
  await alerts.fire(alert, 'another machine', new Date());

  const bytes = () => metricOf(daemon, 'forewarm_backup_size_bytes{model="m"}');
  await eventually('the backup', async () => (await bytes()) === manifest?.bytes);
  const firing = () => metricOf(daemon, 'forewarm_alerts_firing{condition="gate-refused",model="m"}');
  await eventually('the alert', async () => (await firing()) === 1);
  const begun = await metricOf(daemon, 'forewarm_backup_timestamp_seconds{model="m"}');
  expect(begun).toBe(Date.parse(manifest?.startedAt ?? '') / 1_000);
  await alerts.resolve(['gate-refused'], 'm', new Date());
  await eventually('its end', async () => (await firing()) === undefined);
});
