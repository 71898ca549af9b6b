import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderLock } from '#workers/embedded/folder-lock';
import { identify } from '#workers/embedded/process-identity';

let folder: string;
const lockFile = () => join(folder, 'lock.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-lock-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, and none after the release', () => {
  const first = new FolderLock(folder);
  first.acquire(new Date('2026-01-02T03:04:05Z'));
  expect(FolderLock.holder(folder)?.pid).toBe(process.pid);
  expect(() => new FolderLock(folder).acquire()).toThrow(
    expect.objectContaining({
      code: 'FW_ALREADY_RUNNING',
      message: expect.stringContaining(`process ${process.pid}, since 2026-01-02T03:04:05.000Z`),
      next: expect.stringContaining(`kill ${process.pid}`),
    }),
  );
  first.release();
  expect(FolderLock.holder(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  new FolderLock(folder).acquire();
});

test.each([
  ['a holder whose pid another process has now', () => JSON.stringify({ pid: process.pid, began: 'long ago' })],
  ['a holder that is gone', () => JSON.stringify({ pid: 2 ** 22 + 1, began: 'long ago' })],
  ['a lock that was cut short', () => '{"pid":'],
  ['an empty lock', () => ''],
])('takes over from %s', (_what, content) => {
  writeFileSync(lockFile(), content());
  new FolderLock(folder).acquire();
  expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ ...identify(process.pid) });
  expect(readdirSync(folder)).toEqual(['lock.json']);
});

test('a release takes nothing from another holder', () => {
  const lost = new FolderLock(folder);
  lost.acquire();
  writeFileSync(lockFile(), 'of somebody else');
  lost.release();
  expect(readFileSync(lockFile(), 'utf8')).toBe('of somebody else');
});

test('a release without a lock does nothing', () => {
  new FolderLock(folder).release();
});
