import { parseName } from '../backup/backup-names';
import type { BackupManifest } from '../backup/documents';
import { query, type Statements } from '../connections/postgres';

/** Where and why a backup was written. */
export interface BackupOrigin {
  readonly trigger: string;
  readonly host: string;
  readonly folder: string;
}

export interface NewestBackup {
  readonly model: string;
  /** As of when it is. */
  readonly startedAt: Date;
  readonly bytes: number;
}

/** The history of backups in PostgreSQL; the folder itself says what there is. All methods throw FW_POSTGRES_UNAVAILABLE. */
export class BackupStore {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  async record(manifest: BackupManifest, { trigger, host, folder }: BackupOrigin): Promise<void> {
    const { file, model, generation, scope, sequence, rows, missing, bytes, sha256 } = manifest;
    const { startedAt, finishedAt, verifiedAt } = manifest;
    await query(
      this.pool,
      `INSERT INTO forewarm.backup (name, model, generation, scope, state, trigger, host, folder, sequence, started_at,
         finished_at, verified_at, rows, missing, bytes, sha256)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (name) DO NOTHING`,
      [
        ...[parseName(file)?.name ?? file, model, generation, scope, missing === 0 ? 'complete' : 'incomplete'],
        ...[trigger, host, folder, sequence, startedAt, finishedAt, verifiedAt, rows, missing, bytes, sha256],
      ],
      `recording the backup ${file}`,
    );
  }

  /** The newest complete backup of each model that was not deleted. */
  async newest(): Promise<readonly NewestBackup[]> {
    const { rows } = await query<Omit<NewestBackup, 'bytes'> & { bytes: string }>(
      this.pool,
      `SELECT DISTINCT ON (model) model, started_at AS "startedAt", bytes::text AS bytes FROM forewarm.backup
       WHERE state = 'complete' ORDER BY model, sequence DESC`,
      [],
      'reading the newest backups',
    );
    return rows.map(({ bytes, ...row }) => ({ ...row, bytes: Number(bytes) }));
  }

  async deleted(files: readonly string[], at: Date): Promise<void> {
    const names = files.map((file) => parseName(file)?.name ?? file);
    await query(
      this.pool,
      `UPDATE forewarm.backup SET state = 'deleted', deleted_at = $2 WHERE name = ANY ($1::text[])`,
      [names, at],
      `recording that ${names.length} backups were deleted`,
    );
  }
}
