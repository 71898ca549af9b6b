import { join } from 'node:path';
import { BackupFolder } from '#shared/backup/backup-folder';
import { verifyBackup } from '#shared/backup/verified-backup';
import { encodeRow } from '#shared/cache/row';
import { rowsOf } from '../../../support/backups';

/** Backups of the first version of the format, which every later version restores. */

const path = join(__dirname, '../../../golden/backup');
const folder = new BackupFolder({ folder: path, folderNamed: true });
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

const VALUES: readonly (readonly [category: string, values: readonly number[]])[] = [
  ['plain', [1.5, -2, 0.1, 100, 16_777_216, 1 / 3, 0.25, 7]],
  ['zeros and subnormals', [-0, 0, 2 ** -149, -(2 ** -149), 2 ** -126, -(2 ** -126 - 2 ** -149), 1 + 2 ** -23, -0]],
  ['limits', [LARGEST, -LARGEST, 1e21, 1e-21, 1e10, -1e10, 123_456.7, 0.0001]],
  ['not a number', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 2, 3, 4, 5]],
  ['quote " backslash \\ line\nbreak \u2028 tab\t emoji 🚒', [1, 2, 3, 4, 5, 6, 7, 8]],
  ['é'.repeat(256), [8, 7, 6, 5, 4, 3, 2, 1]],
];

test.each(['20261126T031500000Z-calls-0123456789ab', '20261127T031500000Z-calls-0123456789ab'])(
  '%s gives every row, byte for byte',
  async (name) => {
    const manifest = await folder.find(name);
    const rows = await rowsOf(folder.pathOf(manifest));
    const frame = { cells: 4, outputs: 2, identity: Buffer.from('0123456789abcdef', 'hex') };
    const expected = VALUES.map(([category, values], i) => {
      const computedAtMs = Date.UTC(2026, 10, 26, 3, 14, 59, 100 + i);
      const inputs = i === 0 ? Buffer.from('0102030405060708', 'hex') : undefined;
      return { category, computedAtMs, inputs, bytes: encodeRow(frame, Float32Array.from(values), computedAtMs) };
    });
    expect(rows).toEqual(expected);
    const backup = await verifyBackup(folder.pathOf(manifest));
    await backup.close();
    expect(backup).toMatchObject({ missing: ['gone'], manifest: { rows: 6, missing: 1, predictions: 48 } });
    expect(backup.header).toMatchObject({ model: 'calls', modelVersion: '2026-11', outputs: ['mean', 'high'] });
  },
);
