import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BackupWriter } from '#shared/backup/backup-writer';
import { COMPRESSIONS, VALUE_FORMS } from '#shared/backup/documents';
import { verifyBackup } from '#shared/backup/verified-backup';
import type { ForewarmError } from '#shared/errors';
import { backupRow, headerOf, makeBackup, pathOf, rowsOf } from '../../../support/backups';
import { makeTempFolder, removeFolders } from '../../../support/servers/temp-folder';

jest.setTimeout(60_000);

const folders: string[] = [];
const folderOf = (): string => {
  const folder = makeTempFolder('backup');
  folders.push(folder);
  return folder;
};
afterAll(() => removeFolders(...folders));

const EXTREMES = {
  zeros: [-0, 0],
  subnormals: [2 ** -149, -(2 ** -149)],
  limits: [(2 - 2 ** -23) * 2 ** 127, -(2 - 2 ** -23) * 2 ** 127],
  'not numbers': [Number.NaN, Number.NEGATIVE_INFINITY],
  'quote " and \\, line\nbreak, \u2028, emoji 🚒': [1.5, -2],
  ['é'.repeat(256)]: [Math.fround(1 / 3), 1 + 2 ** -23],
};

describe.each(COMPRESSIONS)('compression: %s', (compression) => {
  test.each(VALUE_FORMS)('values: %s, rows come back byte for byte', async (values) => {
    const folder = folderOf();
    const manifest = await makeBackup(folder, { rows: EXTREMES, missing: ['gone'], compression, values });
    const header = headerOf(0);
    const written = Object.entries(EXTREMES).map(([category, floats]) => backupRow(header, category, floats));
    expect(await rowsOf(pathOf(folder, manifest))).toEqual(written);
    expect(manifest).toMatchObject({ rows: 6, missing: 1, predictions: 12, sequence: 1, compression });
  });
});

test('a file that people can read: a header, a line for each category, a last line', async () => {
  const folder = folderOf();
  const manifest = await makeBackup(folder, { rows: { a: [0.1, -0], b: [1e21, 100] }, missing: ['c'] });
  const lines = gunzipSync(readFileSync(pathOf(folder, manifest)))
    .toString()
    .trimEnd()
    .split('\n');
  expect(lines.slice(1, -1)).toEqual([
    '{"category":"a","computedAt":"2026-11-26T03:14:59.123Z","values":[0.1,-0]}',
    '{"category":"b","computedAt":"2026-11-26T03:14:59.123Z","values":[1e+21,100]}',
    '{"missing":"c"}',
  ]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ forewarm: 'backup', format: 1, model: 'calls', categories: 3 });
  expect(readdirSync(folder).sort()).toEqual([
    '20261126T031500000Z-calls-0123456789ab.jsonl.gz',
    '20261126T031500000Z-calls-0123456789ab.manifest.json',
  ]);
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
});

test('a name that is taken gets the next millisecond', async () => {
  const folder = folderOf();
  await makeBackup(folder, { rows: { a: [1, 2] } });
  const second = await makeBackup(folder, { rows: { a: [3, 4] }, sequence: 2 });
  expect(second.file).toBe('20261126T031500001Z-calls-0123456789ab.jsonl.gz');
  expect((await rowsOf(pathOf(folder, second)))[0]?.bytes.readFloatLE(32)).toBe(3);
});

test('what was begun and is abandoned leaves nothing', async () => {
  const folder = folderOf();
  const header = headerOf(1);
  const options = { folder, compression: 'gzip', scope: 'live', sequence: 1 } as const;
  const writer = await BackupWriter.create(header, options);
  await writer.writeRows([backupRow(header, 'a', [1, 2])]);
  expect(readdirSync(folder)).toHaveLength(1);
  await writer.abandon();
  expect(readdirSync(folder)).toEqual([]);
});

describe('what is no good is refused, and it is said why', () => {
  const lines = (changes: (lines: string[]) => string[]) => async (): Promise<string> => {
    const folder = folderOf();
    const manifest = await makeBackup(folder, { rows: { a: [1, 2], b: [3, 4] }, compression: 'none' });
    const text = readFileSync(pathOf(folder, manifest), 'utf8').trimEnd().split('\n');
    const file = join(folder, 'changed.jsonl');
    writeFileSync(file, `${changes(text).join('\n')}\n`);
    return file;
  };
  const content = (bytes: string | Buffer) => async (): Promise<string> => {
    const file = join(folderOf(), 'file');
    writeFileSync(file, bytes);
    return file;
  };
  test.each<[string, () => Promise<string>, string, string]>([
    ['an empty file', content(''), 'FW_BACKUP_CORRUPT', 'it ends before its last line'],
    ['a picture', content(Buffer.from('89504e470d0a1a0a', 'hex')), 'FW_BACKUP_FORMAT', 'is no backup of Forewarm'],
    ['other JSON', content('{"a":1}\n'), 'FW_BACKUP_FORMAT', 'is no backup of Forewarm'],
    ['other gzip', content(gzipSync('hello\n')), 'FW_BACKUP_FORMAT', 'is no backup of Forewarm'],
    [
      'a newer format',
      lines(([header = '', ...rest]) => [header.replace('"format":1', '"format":2'), ...rest]),
      'FW_BACKUP_FORMAT',
      'has format 2; this version reads 1',
    ],
    [
      'a row less',
      lines((all) => all.filter((_, i) => i !== 1)),
      'FW_BACKUP_CORRUPT',
      'the lines before it are not as they were written',
    ],
    ['no last line', lines((all) => all.slice(0, -1)), 'FW_BACKUP_CORRUPT', 'it ends before its last line'],
    [
      'more behind the last line',
      lines((all) => [...all, '{}']),
      'FW_BACKUP_CORRUPT',
      'line 5: there is more behind its last line',
    ],
    [
      'a value too many',
      lines((all) => all.map((line) => line.replace('[1,2]', '[1,2,3]'))),
      'FW_BACKUP_CORRUPT',
      'line 2: 3 values instead of 2',
    ],
    [
      'a value beyond single precision',
      lines((all) => all.map((line) => line.replace('[1,2]', '[1,1e39]'))),
      'FW_BACKUP_CORRUPT',
      'line 2: value 1 is no finite number',
    ],
    [
      'a row twice',
      lines(([header = '', first = '', , last = '']) => [header, first, first, last]),
      'FW_BACKUP_CORRUPT',
      'the lines before it',
    ],
  ])('%s', async (_, make, code, message) => {
    const error = await verifyBackup(await make()).catch((thrown: ForewarmError) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

/** Numbers that look random and are the same each time. */
function randomly(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe.each(COMPRESSIONS)('damage, compression: %s', (compression) => {
  const setUp = async () => {
    const folder = folderOf();
    const rows = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`category ${i}`, [i / 7, -i]]));
    const manifest = await makeBackup(folder, { rows, missing: ['gone'], compression });
    const file = pathOf(folder, manifest);
    const beside = file.replace(/\.jsonl(\.gz)?$/, '.manifest.json');
    return { file, beside, good: { [file]: readFileSync(file), [beside]: readFileSync(beside) } };
  };

  test('each of 1,000 flipped bits in the file or its manifest is refused', async () => {
    const { file, beside, good } = await setUp();
    const sizes = [file, beside].map((path) => (good[path]?.length ?? 0) * 8);
    const below = randomly(20261126);
    for (let flip = 0; flip < 1_000; flip++) {
      const at = below((sizes[0] ?? 0) + (sizes[1] ?? 0));
      const [path, bit] = at < (sizes[0] ?? 0) ? [file, at] : [beside, at - (sizes[0] ?? 0)];
      const bytes = Buffer.from(good[path] ?? '');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bytes);
      const code = await refusal(file);
      if (code === undefined) throw new Error(`bit ${bit} of ${path} was flipped, and nobody saw it`);
      writeFileSync(path, good[path] ?? '');
    }
    expect(await refusal(file)).toBeUndefined();
  });

  test('each of 200 truncations is refused', async () => {
    const { file, beside, good } = await setUp();
    const below = randomly(7);
    for (let cut = 0; cut < 200; cut++) {
      const path = cut % 4 === 3 ? beside : file;
      const whole = good[path] ?? Buffer.alloc(0);
      const length = below(whole.length);
      writeFileSync(path, whole.subarray(0, length));
      if ((await refusal(file)) === undefined) throw new Error(`${path} was cut to ${length} bytes, and nobody saw it`);
      writeFileSync(path, whole);
    }
  });

  test('without a manifest: refused, or the same rows', async () => {
    const { file, good } = await setUp();
    const rows = await rowsOf(file);
    const alone = join(folderOf(), 'alone');
    const below = randomly(11);
    const whole = good[file] ?? Buffer.alloc(0);
    for (let flip = 0; flip < 500; flip++) {
      const bit = below(whole.length * 8);
      const bytes = Buffer.from(whole);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(alone, bytes);
      if ((await refusal(alone)) === undefined) expect(await rowsOf(alone)).toEqual(rows);
    }
  });
});

async function refusal(path: string): Promise<string | undefined> {
  try {
    await (await verifyBackup(path)).close();
    return undefined;
  } catch (error) {
    return (error as ForewarmError).code;
  }
}
