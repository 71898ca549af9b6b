import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyInto, linksAreThere, makeLinks } from '#workers/embedded/postgres-copy';
import { openStore } from '#workers/embedded/store';
import { canEnter, parsePasswd } from '#workers/embedded/system-user';

const somebody = { name: 'somebody', uid: 64_001, gid: 64_001 };

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forewarm-places-'));
  chmodSync(root, 0o711);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('passwd(5) is read without its odd lines', () => {
  const text =
    'root:x:0:0:root:/root:/bin/sh\n+::::::\n\n# a note\nnobody:*:-2:-2::/:/bin/false\npostgres:x:70:71::/:/x\n';
  expect(parsePasswd(text)).toEqual([
    { name: 'root', uid: 0, gid: 0 },
    { name: 'postgres', uid: 70, gid: 71 },
  ]);
});

test('one closed folder above is enough to keep a user out', () => {
  const inner = join(root, 'a', 'b');
  mkdirSync(inner, { recursive: true });
  expect(canEnter(inner, somebody)).toBe(true);
  chmodSync(join(root, 'a'), 0o700);
  expect(canEnter(inner, somebody)).toBe(false);
  expect(canEnter(inner, { ...somebody, uid: lstatSync(root).uid })).toBe(true);
});

test('a store is private to us, and the next candidate is taken where it is not', () => {
  const loose = join(root, 'loose');
  mkdirSync(loose);
  chmodSync(loose, 0o777);
  const link = join(root, 'link');
  symlinkSync(root, link);
  const good = join(root, 'good');
  expect(openStore([loose, link, good], somebody)).toBe(good);
  expect(openStore([good], somebody)).toBe(good);
  expect(() => openStore([loose, join(root, 'no', 'parent')], somebody)).toThrow(
    expect.objectContaining({ code: 'FW_EMBEDDED_FAILED', message: expect.stringContaining('loose') }),
  );
});

test('a copy of the programs has its links, is open to all, and is made once', () => {
  const native = join(root, 'package', 'native');
  for (const name of ['bin', 'lib']) mkdirSync(join(native, name), { recursive: true });
  writeFileSync(join(native, 'bin', 'postgres'), 'program', { mode: 0o700 });
  writeFileSync(join(native, 'lib', 'libx.so.1.2'), 'library', { mode: 0o600 });
  writeFileSync(join(native, 'lib', 'libx.a'), 'for building');
  const links = [{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  expect(linksAreThere(native)).toBe(false);

  const store = openStore([join(root, 'store')], undefined);
  const copy = copyInto(store, native, '18.4.0');
  expect(linksAreThere(copy)).toBe(true);
  expect(readlinkSync(join(copy, 'lib', 'libx.so.1'))).toBe('libx.so.1.2');
  expect(lstatSync(join(copy, 'bin', 'postgres')).mode & 0o777).toBe(0o755);
  expect(lstatSync(join(copy, 'lib', 'libx.so.1.2')).mode & 0o777).toBe(0o644);
  expect(lstatSync(join(copy, 'lib', 'libx.a'), { throwIfNoEntry: false })).toBeUndefined();

  // A mark in the copy tells one that was left alone from one that was made anew.
  const mark = join(copy, 'mark');
  writeFileSync(mark, '');
  expect(copyInto(store, native, '18.4.0')).toBe(copy);
  expect(existsSync(mark)).toBe(true);
  // One that was interrupted is made again.
  rmSync(join(copy, '..', 'complete'));
  expect(copyInto(store, native, '18.4.0')).toBe(copy);
  expect(existsSync(mark)).toBe(false);

  makeLinks(native);
  makeLinks(native);
  expect(linksAreThere(native)).toBe(true);
});
