import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type RowFrame, rowByteLength } from '../cache/row';
import { ForewarmError } from '../errors';
import { rowFrame } from '../model/spec';
import { manifestFile, parseName } from './backup-names';
import { BackupPass, type PassEnd, type PassOptions } from './backup-pass';
import type { BackupHeader, BackupManifest, BackupTrailer } from './documents';
import { readManifest } from './manifest';
import { type BackupRow, type ParsedRow, packRow } from './row-lines';
import type { Tallied } from './tally';

export interface VerifyOptions extends PassOptions {
  /** What the file must be; without it, what the manifest beside it says, where there is one. */
  readonly expected?: Tallied | undefined;
  /** Categories whose rows are kept to be looked at. */
  readonly keep?: ReadonlySet<string> | undefined;
}

/** Bytes of rows that are handed over at once, and their number. */
const SLICE_BYTES = 8 * 1024 * 1024;
const SLICE_ROWS = 500;

/**
 * Reads a whole backup and checks every line and hash of it.
 * @throws ForewarmError FW_BACKUP_MISSING, FW_BACKUP_CORRUPT, FW_BACKUP_FORMAT
 */
export async function verifyBackup(path: string, options: VerifyOptions = {}): Promise<VerifiedBackup> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    const code = error.code === 'ENOENT' ? 'FW_BACKUP_MISSING' : 'FW_BACKUP_CORRUPT';
    throw new ForewarmError(code, `${path}: ${error.message}`, { cause: error });
  });
  try {
    if ((await handle.stat()).isDirectory()) {
      throw new ForewarmError('FW_BACKUP_FORMAT', `${path} is a folder, and no backup of Forewarm`);
    }
    const manifest = options.expected === undefined ? await manifestOf(path) : undefined;
    const pass = new BackupPass(path, handle, options);
    const { end, kept, categories } = await readAll(path, pass, options.keep);
    const expected = options.expected ?? manifest;
    if (expected !== undefined) compareFile(path, end, expected);
    if (manifest !== undefined) compareFacts(path, pass.header, end.trailer, manifest);
    return new VerifiedBackup({ path, handle, header: pass.header, end, manifest, kept, categories });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface Verified {
  readonly path: string;
  readonly handle: FileHandle;
  readonly header: BackupHeader;
  readonly end: PassEnd;
  readonly kept: readonly ParsedRow[];
  readonly categories: ReadonlySet<string>;
  readonly manifest: BackupManifest | undefined;
}

/** A backup that was found good. Its file stays open, so that what is restored is what was verified. */
export class VerifiedBackup {
  readonly path: string;
  readonly header: BackupHeader;
  readonly trailer: BackupTrailer;
  /** `undefined` where there is none beside the file: its own hash alone spoke for it. */
  readonly manifest: BackupManifest | undefined;
  /** Categories whose row was in no store. */
  readonly missing: readonly string[];
  /** Those that have a row. */
  readonly categories: ReadonlySet<string>;
  /** The rows that were asked to be kept. */
  readonly kept: readonly BackupRow[];
  private readonly handle: FileHandle;
  /** Of the file as it is. */
  readonly tallied: Tallied;

  constructor({ path, handle, header, end, manifest, kept, categories }: Verified) {
    this.path = path;
    this.handle = handle;
    this.header = header;
    this.trailer = end.trailer;
    this.missing = end.missing;
    this.categories = categories;
    this.manifest = manifest;
    this.kept = kept.map((row) => packRow(row, rowFrame(header)));
    this.tallied = { bytes: end.bytes, sha256: end.sha256 };
  }

  /** The name in lists; of a file that has another name, its own. */
  get name(): string {
    return parseName(basename(this.path))?.name ?? basename(this.path);
  }

  /** What every row of it looks like. */
  get frame(): RowFrame {
    return rowFrame(this.header);
  }

  /**
   * The rows, packed as the cache has them, in bounded slices. Read from the disk once more, and checked once more.
   * @throws ForewarmError FW_BACKUP_CORRUPT at the end when the file has changed since it was verified
   */
  async *rows(options: PassOptions = {}): AsyncGenerator<readonly BackupRow[]> {
    const { frame } = this;
    const most = Math.max(1, Math.min(SLICE_ROWS, Math.floor(SLICE_BYTES / rowByteLength(frame))));
    const rows = new BackupPass(this.path, this.handle, options).read();
    let slice: BackupRow[] = [];
    for (;;) {
      const part = await rows.next();
      for (const row of part.done === true ? [] : part.value) {
        slice.push(packRow(row, frame));
        if (slice.length < most) continue;
        yield slice;
        slice = [];
      }
      if (part.done !== true) continue;
      if (slice.length > 0) yield slice;
      return compareFile(this.path, part.value, this.tallied);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

interface ReadBackup {
  readonly end: PassEnd;
  readonly kept: readonly ParsedRow[];
  readonly categories: ReadonlySet<string>;
}

async function readAll(path: string, pass: BackupPass, keep: ReadonlySet<string> | undefined): Promise<ReadBackup> {
  const kept: ParsedRow[] = [];
  const categories = new Set<string>();
  const note = (category: string): void => {
    if (!categories.has(category)) return void categories.add(category);
    throw new ForewarmError('FW_BACKUP_CORRUPT', `${path}: category ${JSON.stringify(category)} comes twice`);
  };
  const rows = pass.read();
  for (;;) {
    const part = await rows.next();
    if (part.done === true) {
      const end = part.value;
      for (const category of end.missing) note(category);
      for (const category of end.missing) categories.delete(category);
      return { end, kept, categories };
    }
    for (const row of part.value) {
      note(row.category);
      if (keep?.has(row.category)) kept.push(row);
    }
  }
}

async function manifestOf(path: string): Promise<BackupManifest | undefined> {
  const name = parseName(basename(path))?.name;
  if (name === undefined) return undefined;
  const beside = join(dirname(path), manifestFile(name));
  return existsSync(beside) ? readManifest(beside) : undefined;
}

function compareFile(path: string, found: Tallied, expected: Tallied): void {
  if (found.bytes === expected.bytes && found.sha256 === expected.sha256) return;
  throw new ForewarmError('FW_BACKUP_CORRUPT', `${path} is not the file that was written: its SHA-256 is another`);
}

function compareFacts(path: string, header: BackupHeader, trailer: BackupTrailer, manifest: BackupManifest): void {
  const { model, generation } = header;
  const { rows, missing } = trailer;
  const same =
    manifest.file === basename(path) &&
    manifest.model === model &&
    manifest.generation === generation &&
    manifest.rows === rows &&
    manifest.missing === missing;
  if (!same) throw new ForewarmError('FW_BACKUP_CORRUPT', `${path} is another backup than its manifest says`);
}
