import { type FileHandle, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { cellCount } from '../cache/grid';
import { RowView } from '../cache/row';
import { createTemporary, settle, temporaryPath } from '../durable-file';
import { ForewarmError, messageOf } from '../errors';
import { backupName, dataFile, manifestFile } from './backup-names';
import type { BackupHeader, BackupManifest, BackupTrailer, Compression, Scope } from './documents';
import { sealManifest, writeManifest } from './manifest';
import { type BackupRow, writeRowLine } from './row-lines';
import { type Tallied, Tally } from './tally';

export interface WriteOptions {
  /** Absolute path of an open folder of backups. */
  readonly folder: string;
  readonly compression: Compression;
  readonly scope: Scope;
  /** One more than that of the newest backup of the model. */
  readonly sequence: number;
}

/** Digits hardly repeat: the levels above cost three times as much for a file that is 2 % smaller. */
const GZIP_LEVEL = 1;
/** Bytes of lines that are handed on at once. */
const CHUNK_BYTES = 256 * 1024;

/** Writes a backup to a temporary file, line by line, in bounded memory. */
export class BackupWriter {
  private readonly header: BackupHeader;
  private readonly options: WriteOptions;
  private readonly handle: FileHandle;
  private readonly path: string;
  private readonly encoder: Transform;
  private readonly written: Promise<void>;
  private readonly file = new Tally();
  private readonly lines = new Tally();
  private pending: string[] = [];
  private pendingLength = 0;
  private rows = 0;
  private missing = 0;

  /** @throws ForewarmError FW_BACKUP_WRITE_FAILED */
  static async create(header: BackupHeader, options: WriteOptions): Promise<BackupWriter> {
    const name = backupName(new Date(header.startedAt), header.model, header.generation);
    const path = join(options.folder, dataFile(name, options.compression));
    const handle = await createTemporary(path).catch((error: unknown) => {
      throw writeFailure(options.folder, error);
    });
    const writer = new BackupWriter(header, options, handle, path);
    await writer.line(JSON.stringify(header));
    return writer;
  }

  private constructor(header: BackupHeader, options: WriteOptions, handle: FileHandle, path: string) {
    this.header = header;
    this.options = options;
    this.handle = handle;
    this.path = path;
    this.encoder = options.compression === 'gzip' ? createGzip({ level: GZIP_LEVEL }) : new PassThrough();
    this.written = pipeline(this.encoder, this.sink());
    // Whoever writes or seals next is told.
    this.written.catch(() => undefined);
  }

  /**
   * @param rows whole ones, of the header's generation
   * @throws ForewarmError FW_BACKUP_WRITE_FAILED
   */
  async writeRows(rows: readonly BackupRow[]): Promise<void> {
    for (const { category, bytes, inputs } of rows) {
      await this.line(writeRowLine(category, new RowView(bytes), inputs, this.header.values));
    }
    this.rows += rows.length;
  }

  /** @throws ForewarmError FW_BACKUP_WRITE_FAILED */
  async writeMissing(categories: readonly string[]): Promise<void> {
    for (const missing of categories) await this.line(JSON.stringify({ missing }));
    this.missing += categories.length;
  }

  /**
   * Ends the file and waits until the disk has it. It has no name yet that anybody would look for.
   * @throws ForewarmError FW_BACKUP_WRITE_FAILED; then nothing of it is left
   */
  async seal(finishedAt: Date): Promise<SealedBackup> {
    try {
      await this.flush();
      const { rows, missing } = this;
      const { sha256 } = this.lines.read();
      const trailer: BackupTrailer = { rows, missing, sha256, finishedAt: finishedAt.toISOString() };
      this.encoder.end(`${JSON.stringify(trailer)}\n`);
      await this.written;
      await this.handle.sync();
      await this.handle.close();
      return new SealedBackup(this.header, trailer, this.options, this.file.read(), this.path);
    } catch (error) {
      await this.abandon();
      throw writeFailure(this.options.folder, error);
    }
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    this.encoder.destroy();
    await this.written.catch(() => undefined);
    await this.handle.close().catch(() => undefined);
    await rm(temporaryPath(this.path), { force: true }).catch(() => undefined);
  }

  private async line(text: string): Promise<void> {
    this.pending.push(text, '\n');
    this.pendingLength += text.length;
    if (this.pendingLength >= CHUNK_BYTES) await this.flush();
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.from(this.pending.join(''));
    this.pending = [];
    this.pendingLength = 0;
    this.lines.add(bytes);
    try {
      // The compressor has a thread of its own: waited for, a backup takes one core and leaves the others to readers.
      const taken = new Promise<void>((resolve) => this.encoder.write(bytes, () => resolve()));
      await Promise.race([taken, this.written]);
    } catch (error) {
      throw writeFailure(this.options.folder, error);
    }
  }

  private sink(): Writable {
    return new Writable({
      write: (bytes: Buffer, _encoding, done) => {
        this.file.add(bytes);
        writeAll(this.handle, bytes).then(() => done(), done);
      },
    });
  }
}

/** A backup that is complete and on disk under a temporary name. */
export class SealedBackup {
  readonly header: BackupHeader;
  readonly trailer: BackupTrailer;
  /** Of the file as it is. */
  readonly tallied: Tallied;
  private readonly options: WriteOptions;
  private readonly path: string;

  constructor(header: BackupHeader, trailer: BackupTrailer, options: WriteOptions, tallied: Tallied, path: string) {
    this.header = header;
    this.trailer = trailer;
    this.options = options;
    this.tallied = tallied;
    this.path = path;
  }

  get temporary(): string {
    return temporaryPath(this.path);
  }

  /**
   * Gives it its name, and its manifest.
   * @throws ForewarmError FW_BACKUP_WRITE_FAILED
   */
  async publish(verified: { readonly verifiedAt: Date; readonly compared: number }): Promise<BackupManifest> {
    const { folder, compression, scope, sequence } = this.options;
    const { header, trailer, tallied } = this;
    try {
      const name = await this.settleUnderFreeName();
      const manifest = sealManifest({
        ...manifestFacts(header, trailer),
        file: dataFile(name, compression),
        ...tallied,
        ...{ compression, scope, sequence },
        verifiedAt: verified.verifiedAt.toISOString(),
        compared: verified.compared,
      });
      await writeManifest(join(folder, manifestFile(name)), manifest);
      return manifest;
    } catch (error) {
      throw writeFailure(folder, error);
    }
  }

  async abandon(): Promise<void> {
    await rm(this.temporary, { force: true }).catch(() => undefined);
  }

  /** A clock that was set back, or another machine, may have taken the name: then the next millisecond's. */
  private async settleUnderFreeName(): Promise<string> {
    const { model, generation, startedAt } = this.header;
    const { folder, compression } = this.options;
    for (let time = Date.parse(startedAt); ; time++) {
      const name = backupName(new Date(time), model, generation);
      try {
        await settle(this.temporary, join(folder, dataFile(name, compression)), { replace: false });
        return name;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }
}

/** What a manifest says that the file itself says as well. */
export function manifestFacts(header: BackupHeader, trailer: BackupTrailer) {
  const { model, generation, modelVersion, axes, outputs, lastUpdated, startedAt } = header;
  const { rows, missing, finishedAt } = trailer;
  const predictions = rows * cellCount(axes) * outputs.length;
  return {
    forewarm: 'backup manifest' as const,
    format: header.format,
    ...{ model, generation, modelVersion, rows, missing, predictions, lastUpdated, startedAt, finishedAt },
  };
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** What the file system refused, in the catalogue's terms. */
export function writeFailure(folder: string, error: unknown): ForewarmError {
  if (error instanceof ForewarmError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const next = ADVICE[code];
  const options = next === undefined ? { cause: error } : { cause: error, next };
  return new ForewarmError('FW_BACKUP_WRITE_FAILED', `backup.folder ${folder}: ${messageOf(error)}`, options);
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on its disk, or keep fewer backups (backup.keep).',
  EDQUOT: 'Raise the quota of this user, or keep fewer backups (backup.keep).',
  EACCES: 'Give this user the right to write there, or set backup.folder.',
  EPERM: 'Give this user the right to write there, or set backup.folder.',
  EROFS: 'Mount it so that it can be written, or set backup.folder.',
  ENOENT: 'Make or mount the folder, or set backup.folder.',
};
