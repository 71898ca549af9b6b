import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BackupFolder } from '#shared/backup/backup-folder';
import { makeBackup } from '../../../support/backups';
import { makeTempFolder, removeFolders } from '../../../support/servers/temp-folder';

let path: string;
let folder: BackupFolder;

beforeEach(() => {
  path = makeTempFolder('backups');
  folder = new BackupFolder({ folder: path, folderNamed: true });
});
afterEach(() => removeFolders(path));

const make = (sequence: number, more: object = {}) =>
  makeBackup(path, {
    rows: { a: [sequence, 0] },
    sequence,
    header: { startedAt: `2026-11-2${sequence}T00:00:00.000Z` },
    ...more,
  });
const files = async () => (await folder.list()).backups.map(({ sequence }) => sequence);

test('the list is in the order in which they were made, whatever the clocks said', async () => {
  await make(3);
  await make(1);
  await make(2, { header: { startedAt: '2020-01-01T00:00:00.000Z' } });
  expect(await files()).toEqual([3, 2, 1]);
  expect(await folder.nextSequence('calls')).toBe(4);
  expect(await folder.nextSequence('other')).toBe(1);
});

test('latest is the newest complete one of what was live', async () => {
  await make(1);
  await make(2);
  await make(3, { missing: ['gone'] });
  expect((await folder.find('latest', 'calls')).sequence).toBe(2);
  for (const manifest of (await folder.list()).backups.slice(1)) await folder.remove(manifest);
  expect((await folder.find('latest', 'calls')).sequence).toBe(3);
});

test('a name is found with and without its ending, and nothing outside of the list is', async () => {
  const { file } = await make(1);
  const name = file.replace('.jsonl.gz', '');
  expect(await folder.find(name)).toMatchObject({ file });
  expect(await folder.find(file)).toMatchObject({ file });
  for (const other of [`../${name}`, join(path, file), 'nothing', '', '.']) {
    await expect(folder.find(other)).rejects.toMatchObject({ code: 'FW_BACKUP_MISSING' });
  }
  await expect(folder.find('latest', 'other')).rejects.toMatchObject({ code: 'FW_BACKUP_MISSING' });
});

test('one bad manifest hides no other, and is told with why', async () => {
  const [first, second, third] = [await make(1), await make(2), await make(3)];
  const manifest = (file: string): string => join(path, file.replace('.jsonl.gz', '.manifest.json'));
  writeFileSync(manifest(first.file), readFileSync(manifest(first.file), 'utf8').replace('"rows": 1', '"rows": 2'));
  rmSync(join(path, second.file));
  rmSync(manifest(third.file));
  writeFileSync(join(path, 'notes.txt'), 'not ours');
  const { backups, others } = await folder.list();
  expect(backups).toEqual([]);
  expect(others.map(({ why }) => why)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/manifest\.json is not as it was written$/),
      `${second.file} is missing`,
      'it has no manifest: its writing was interrupted at the very end',
    ]),
  );
  expect(others).toHaveLength(3);
});

test('a whole file whose process was killed before it wrote the manifest gets one', async () => {
  const { file } = await make(4);
  rmSync(join(path, file.replace('.jsonl.gz', '.manifest.json')));
  writeFileSync(join(path, '20261126T000000000Z-calls-0123456789ab.jsonl.gz'), 'half');
  expect(await folder.adoptOrphans('other', new Date())).toEqual([]);
  expect(await folder.adoptOrphans('calls', new Date())).toMatchObject([{ file, rows: 1, sequence: 1, compared: 0 }]);
  expect(await files()).toEqual([1]);
  expect((await folder.list()).others).toHaveLength(1);
});

test('leftovers of processes that are gone are removed, those of others are not', async () => {
  const gone = `.a.jsonl.gz.${hostname()}.999999999.tmp`;
  const ours = `.b.jsonl.gz.${hostname()}.${process.pid}.tmp`;
  const elsewhere = '.c.jsonl.gz.another-host.1.tmp';
  const forgotten = '.d.jsonl.gz.another-host.1.tmp';
  for (const name of [gone, ours, elsewhere, forgotten, 'x.tmp']) writeFileSync(join(path, name), '');
  utimesSync(join(path, forgotten), 0, 0);
  expect((await folder.removeLeftovers(Date.now())).sort()).toEqual([gone, forgotten].sort());
  expect(readdirSync(path).sort()).toEqual([ours, elsewhere, 'x.tmp'].sort());
});

test('a folder that is named must be there; the default one is made, for nobody else to read', async () => {
  const missing = join(path, 'missing');
  const named = new BackupFolder({ folder: missing, folderNamed: true });
  await expect(named.open()).rejects.toMatchObject({
    code: 'FW_BACKUP_FOLDER',
    message: expect.stringContaining(missing),
  });
  await expect(named.list()).rejects.toMatchObject({ code: 'FW_BACKUP_FOLDER' });
  const byDefault = new BackupFolder({ folder: missing, folderNamed: false });
  expect(await byDefault.list()).toEqual({ backups: [], others: [] });
  await byDefault.open();
  await named.open();
  expect(readdirSync(missing)).toEqual([]);
  writeFileSync(join(path, 'file'), '');
  const file = new BackupFolder({ folder: join(path, 'file'), folderNamed: false });
  await expect(file.open()).rejects.toMatchObject({ code: 'FW_BACKUP_FOLDER' });
});
