import { join } from 'node:path';
import { BackupWriter } from '#shared/backup/backup-writer';
import type { BackupHeader, BackupManifest, Compression, ValueForm } from '#shared/backup/documents';
import type { BackupRow } from '#shared/backup/row-lines';
import { verifyBackup } from '#shared/backup/verified-backup';
import { encodeRow } from '#shared/cache/row';
import { rowFrame } from '#shared/model/spec';

export const IDENTITY = '0123456789abcdef'.repeat(4);

export interface MadeBackup {
  readonly compression?: Compression;
  readonly values?: ValueForm;
  readonly sequence?: number;
  readonly rows: Readonly<Record<string, readonly number[]>>;
  readonly missing?: readonly string[];
  readonly header?: Partial<BackupHeader>;
}

export const COMPUTED_AT_MS = Date.UTC(2026, 10, 26, 3, 14, 59, 123);

/** A header of two hours and one output, with so many categories. */
export function headerOf(categories: number, changes: Partial<BackupHeader> = {}): BackupHeader {
  return {
    forewarm: 'backup',
    format: 1,
    model: 'calls',
    generation: IDENTITY.slice(0, 12),
    identity: IDENTITY,
    modelVersion: '1',
    axes: [{ name: 'hour', values: [0, 1] }],
    outputs: ['expected_calls'],
    values: 'numbers',
    categories,
    publishedAt: '2026-11-25T12:00:00.000Z',
    lastUpdated: '2026-11-26T03:14:59.123Z',
    startedAt: '2026-11-26T03:15:00.000Z',
    version: '0.1.0',
    ...changes,
  };
}

export function backupRow(header: BackupHeader, category: string, values: readonly number[]): BackupRow {
  const bytes = encodeRow(rowFrame(header), Float32Array.from(values), COMPUTED_AT_MS);
  return { category, bytes, computedAtMs: COMPUTED_AT_MS, inputs: undefined };
}

/** Writes a backup by the product's own writer. */
export async function makeBackup(folder: string, made: MadeBackup): Promise<BackupManifest> {
  const missing = made.missing ?? [];
  const categories = Object.keys(made.rows).length + missing.length;
  const header = headerOf(categories, { values: made.values ?? 'numbers', ...made.header });
  const { compression = 'gzip', sequence = 1 } = made;
  const writer = await BackupWriter.create(header, { folder, compression, scope: 'live', sequence });
  await writer.writeRows(Object.entries(made.rows).map(([category, values]) => backupRow(header, category, values)));
  await writer.writeMissing(missing);
  const sealed = await writer.seal(new Date(Date.parse(header.startedAt) + 250));
  return sealed.publish({ verifiedAt: new Date(Date.parse(header.startedAt) + 300), compared: 0 });
}

/** Every row of a backup that is good. */
export async function rowsOf(path: string): Promise<BackupRow[]> {
  const backup = await verifyBackup(path);
  try {
    const rows: BackupRow[] = [];
    for await (const slice of backup.rows()) rows.push(...slice);
    return rows;
  } finally {
    await backup.close();
  }
}

export function pathOf(folder: string, { file }: BackupManifest): string {
  return join(folder, file);
}
