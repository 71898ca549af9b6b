import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupManifest } from '#shared/backup/documents';
import { AlertStore } from '#shared/store/alert-store';
import { say } from '../../slow/cli/command';
import { rowsOf } from '../../support/backups';
import type { DaemonProcess } from '../../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../../support/system';

/** Backups as daemons take them: missed ones, on demand, one at a time, old ones deleted, failed ones told. */

jest.setTimeout(120_000);

const DAY_MS = 86_400_000;
const categories = someCategories(40);

let system: TestSystem;
let daemons: DaemonProcess[];
let folder: string;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  folder = join(system.folder, 'kept');
  mkdirSync(folder);
  const backup = { folder, schedule: '15 3 * * *', keep: { last: 2, daily: 0, weekly: 0 } };
  // Nobody heals what a test takes away.
  const watchdog = { every: '1h' };
  system.configureSmall(categories, { every: '1h', settings: { backup, watchdog } });
  // The deployment is older than the last time that a backup was due.
  await system.queueClient.hset('{forewarm}:backups-since', 'm', Date.now() - 2 * DAY_MS);
  daemons = [system.daemon(), system.daemon()];
  await Promise.all(daemons.map((daemon) => daemon.logged(({ message }) => message === 'forewarm is running')));
});
afterAll(() => system.stop());

const manifests = () => readdirSync(folder).filter((file) => file.endsWith('.manifest.json'));
const idle = () =>
  eventually('the queue of backups to be empty', async () => {
    const { waiting = 0, active = 0, delayed = 0 } = await system.queue('backup').getJobCounts();
    // The next run of the schedule is always there.
    return waiting + active === 0 && delayed === 1;
  });

async function backedUp(...args: string[]): Promise<BackupManifest> {
  const said = await say(['backup', '--wait', '--json', ...args], system.folder);
  expect(said).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(said.stdout).files[0];
}

test('one that was missed while no daemon ran is made up for, once, however many daemons start', async () => {
  await eventually('the backup', () => manifests().length > 0);
  await idle();
  expect(manifests()).toHaveLength(1);
  const { rows } = await system.pool.query('SELECT model, state, trigger, rows, missing, folder FROM forewarm.backup');
  expect(rows).toEqual([{ model: 'm', state: 'complete', trigger: 'startup', rows: 40, missing: 0, folder }]);
  // The run of the schedule that was overdue comes too late.
  const queue = system.queue('backup');
  const job = await queue.add('backup', { model: 'm', generation: 'live', trigger: 'schedule' });
  const result = await eventually('its end', async () => {
    // What it came to is read when it has: a job that was read before knows nothing of it.
    if ((await queue.getJobState(job.id ?? '')) !== 'completed') return undefined;
    return (await queue.getJob(job.id ?? ''))?.returnvalue;
  });
  expect(result).toEqual({ skipped: 'it was backed up since it was due' });
  expect(manifests()).toHaveLength(1);
});

test('the schedule is the queue’s own, and a daemon that starts leaves it as it is', async () => {
  const [schedule] = await system.queue('backup').getJobSchedulers();
  expect(schedule).toMatchObject({ key: 'backup-m', pattern: '15 3 * * *', tz: 'UTC' });
  expect(new Date(schedule?.next ?? 0).toISOString()).toMatch(/T03:15:00.000Z$/);
  const said = await say(['queues'], system.folder);
  expect(said.stdout).toMatch(/^backup-m +15 3 \* \* \* UTC +in /m);
});

test('on demand: the answer names the file, which has every row; old ones go', async () => {
  const { pointer } = { pointer: await system.cache().pointer() };
  const files = [await backedUp(), await backedUp(), await backedUp()].map(({ file }) => file);
  const list = await say(['backups', '--json'], system.folder);
  const { backups, others } = JSON.parse(list.stdout);
  expect(backups.map(({ file }: BackupManifest) => file)).toEqual([files[2], files[1]]);
  expect(others).toEqual([]);
  const rows = await rowsOf(join(folder, files[2] ?? ''));
  expect(new Map(rows.map(({ category, bytes }) => [category, bytes]))).toEqual(
    await system.rows(pointer?.generation ?? '', categories),
  );
  const { rows: states } = await system.pool.query('SELECT state FROM forewarm.backup ORDER BY sequence');
  expect(states.map(({ state }) => state)).toEqual(['deleted', 'deleted', 'complete', 'complete']);
});

test('what fails is told in words, as an alert and in the log, and resolved by the next that succeeds', async () => {
  renameSync(folder, `${folder}.away`);
  const said = await say(['backup', '--wait'], system.folder);
  expect(said.code).toBe(2);
  expect(said.stderr).toContain(`error FW_BACKUP_FOLDER: backup.folder ${folder}: ENOENT`);
  const alerts = new AlertStore(system.pool);
  const [alert] = await eventually('the alert', async () => {
    const firing = await alerts.firing();
    return firing.length > 0 && firing;
  });
  expect(alert).toMatchObject({
    condition: 'backup-failed',
    model: 'm',
    facts: { code: 'FW_BACKUP_FOLDER' },
    times: 1,
  });
  const lines = daemons.flatMap((daemon) => daemon.lines.filter(({ level }) => level === 'error'));
  expect(lines).toMatchObject([{ message: 'job failed for good', job: 'backup', code: 'FW_BACKUP_FOLDER' }]);
  renameSync(`${folder}.away`, folder);
  await backedUp();
  expect(await alerts.firing()).toEqual([]);
});

test('rows that are in no store make it incomplete, which is an alert too', async () => {
  const generation = (await system.cache().pointer())?.generation ?? '';
  const [first = ''] = categories;
  await system.client.del(system.cache().keys.row(generation, first));
  await system.pool.query('DELETE FROM forewarm.row WHERE category = $1', [first]);
  const said = await say(['backup', '--wait', '--json'], system.folder);
  const [file] = JSON.parse(said.stdout).files;
  expect(said.code).toBe(1);
  expect(file).toMatchObject({ rows: 39, missing: 1 });
  expect(await new AlertStore(system.pool).firing()).toMatchObject([{ condition: 'backup-incomplete', model: 'm' }]);
  await say(['warm', '--wait'], system.folder);
  await backedUp();
  expect(await new AlertStore(system.pool).firing()).toEqual([]);
});

test('a restore by its name in the list, never by a path', async () => {
  const { file } = await backedUp();
  const queue = system.queue('restore');
  const ended = async (data: object) => {
    const { id = '' } = await queue.add('restore', data);
    return eventually('the end of the restore', async () => {
      const state = await queue.getJobState(id);
      if (state !== 'completed' && state !== 'failed') return undefined;
      return { state, ...(await queue.getJob(id))?.toJSON() };
    });
  };
  const generation = (await system.cache().pointer())?.generation ?? '';
  const before = await system.rows(generation, categories);
  await system.client.del(...categories.slice(0, 5).map((category) => system.cache().keys.row(generation, category)));
  const name = file.replace('.jsonl.gz', '');
  expect(await ended({ model: 'm', name })).toMatchObject({
    state: 'completed',
    returnvalue: { rows: 40, mode: 'live' },
  });
  const after = await system.rows(generation, categories);
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  const refused = await ended({ model: 'm', name: '../../etc/passwd' });
  expect(refused).toMatchObject({ state: 'failed', failedReason: expect.stringContaining('FW_JOB_PAYLOAD') });
  const missing = await ended({ model: 'm', name: 'nothing' });
  expect(missing).toMatchObject({ state: 'failed', failedReason: expect.stringContaining('FW_BACKUP_MISSING') });
});
