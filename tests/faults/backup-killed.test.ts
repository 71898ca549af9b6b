import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BackupFolder } from '#shared/backup/backup-folder';
import { isDataFile } from '#shared/backup/backup-names';
import type { BackupManifest } from '#shared/backup/documents';
import { rowsOf } from '../support/backups';
import type { DaemonProcess } from '../support/daemon-process';
import { eventually, someCategories, TestSystem } from '../support/system';

/** Daemons that are killed at any moment of a backup or a restore: no half file has a name, and no row is worse than it was. */

jest.setTimeout(300_000);

const KILLS = 6;
const BACKUP = { model: 'm', trigger: 'command' };
const RESTORE = { model: 'm', name: 'latest' };
/** About as long as either takes here, with the start of its process. */
const LONGEST_MS = 700;
const categories = someCategories(3_000);

let system: TestSystem;
let folder: string;
let generation: string;
let bytes: Map<string, Buffer>;

beforeAll(async () => {
  system = await TestSystem.start({ settings: { inference: { processes: 1 } } });
  folder = join(system.folder, 'kept');
  mkdirSync(folder);
  const backup = { folder, schedule: 'off' };
  // Nobody heals what a test takes away.
  const watchdog = { every: '1h' };
  system.configureSmall(categories, { every: '1h', settings: { backup, watchdog } });
  const daemon = system.daemon();
  generation = String((await daemon.cycle()).live);
  bytes = await system.rows(generation, categories);
  await daemon.stop();
});
afterAll(() => system.stop());

/** A daemon that only plans, which is who takes and restores backups. */
async function start(): Promise<DaemonProcess> {
  const daemon = system.daemon(['start', '--roles', 'scheduler']);
  await daemon.logged(({ message }) => message === 'forewarm is running');
  return daemon;
}

/**
 * Has a daemon begin a backup and a restore at once, and kills it a moment later: at a random one, from their very beginning to
 * about their end.
 */
async function killDuring(share: number): Promise<void> {
  const daemon = await start();
  await system.queue('backup').add('backup', BACKUP);
  await system.queue('restore').add('restore', RESTORE);
  await delay(share * LONGEST_MS);
  const children = await daemon.children();
  await daemon.stop('SIGKILL');
  // Who was orphaned sees it within half a second.
  await eventually('its processes to end', async () => children.every((pid) => !isAlive(pid)));
  // The jobs would run again at the next start: they are begun anew instead, at another moment.
  for (const queue of ['backup', 'restore']) await system.queue(queue).obliterate({ force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function complete(queueName: string, data: object): Promise<unknown> {
  const daemon = await start();
  const queue = system.queue(queueName);
  const { id = '' } = await queue.add(queueName, data);
  const value = await eventually('its end', async () => {
    const state = await queue.getJobState(id);
    // Read after its state: before, it may not have had what it came to.
    const job = await queue.getJob(id);
    if (state === 'failed') throw new Error(job?.failedReason);
    return state === 'completed' ? (job?.returnvalue as unknown) : undefined;
  });
  await daemon.stop();
  return value;
}

/** Whether a backup under its name is whole, with or without its manifest. */
async function expectWholeFiles(): Promise<void> {
  const files = readdirSync(folder);
  for (const file of files.filter(isDataFile)) expect(await rowsOf(join(folder, file))).toHaveLength(categories.length);
  const { backups, others } = await new BackupFolder({ folder, folderNamed: true }).list();
  for (const { why } of others) expect(why).toMatch(/^it has no manifest/);
  for (const { file } of backups) expect(files).toContain(file);
}

async function expectGoodRows(least: number): Promise<void> {
  const found = await system.rows(generation, categories);
  expect(found.size).toBeGreaterThanOrEqual(least);
  for (const [category, row] of found) expect(row.equals(bytes.get(category) ?? Buffer.alloc(0))).toBe(true);
  expect((await system.cache().pointer())?.generation).toBe(generation);
}

test('what has a name is whole, every row that was right stays right, and whoever comes next completes it', async () => {
  await complete('backup', BACKUP);
  const { keys } = system.cache();
  const lost = categories.filter((_, i) => i % 2 === 0);
  for (let kill = 0; kill < KILLS; kill++) {
    await system.client.del(...lost.map((category) => keys.row(generation, category)));
    await killDuring((kill + Math.random()) / KILLS);
    await expectWholeFiles();
    await expectGoodRows(categories.length - lost.length);
  }
  await complete('restore', RESTORE);
  expect(await system.rows(generation, categories)).toEqual(bytes);
  const { files } = (await complete('backup', BACKUP)) as { files: BackupManifest[] };
  const rows = await rowsOf(join(folder, files[0]?.file ?? ''));
  expect(new Map(rows.map(({ category, bytes: row }) => [category, row]))).toEqual(bytes);
  // Nothing is left behind of those that were killed.
  expect(readdirSync(folder).filter((file) => file.startsWith('.'))).toEqual([]);
  expect((await new BackupFolder({ folder, folderNamed: true }).list()).others).toEqual([]);
});
