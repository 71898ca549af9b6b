import type { FileHandle } from 'node:fs/promises';
import { cellCount } from '../cache/grid';
import { ForewarmError, messageOf } from '../errors';
import { decodedBytes } from './decoded-bytes';
import {
  BACKUP_FORMAT,
  type BackupHeader,
  type BackupTrailer,
  headerLine,
  missingLine,
  trailerLine,
} from './documents';
import { LineSplitter } from './line-splitter';
import { type ParsedRow, readRowLine } from './row-lines';
import { type Tallied, Tally } from './tally';

/** Bytes of a header: the values of its axes are as many as a row has cells at most. */
const HEADER_BYTES = 64 * 1024 * 1024;
/** Bytes of a value as text, and of what a row has besides. */
const VALUE_BYTES = 32;
const ROW_HEAD_BYTES = 16 * 1024;

export interface PassProgress {
  /** Of the file, compressed. */
  readonly bytesDone: number;
  readonly bytes: number;
}

export interface PassOptions {
  readonly onProgress?: ((progress: PassProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A backup that was read to its end, and agrees with itself. */
export interface PassEnd extends Tallied {
  readonly trailer: BackupTrailer;
  /** Categories whose row was in no store. */
  readonly missing: readonly string[];
}

/**
 * One reading of a backup from its first byte to its last, which checks all that it meets. Rows come as they are read; whether
 * the whole is good is known at the end only.
 */
export class BackupPass {
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly options: PassOptions;
  private readonly file = new Tally();
  private readonly lines = new Tally();
  private readonly missing: string[] = [];
  private known: BackupHeader | undefined;
  private trailer: BackupTrailer | undefined;
  private rows = 0;
  private number = 0;

  /** @param path for messages; @param handle stays open */
  constructor(path: string, handle: FileHandle, options: PassOptions = {}) {
    this.path = path;
    this.handle = handle;
    this.options = options;
  }

  /** Known once rows have come, or the end. */
  get header(): BackupHeader {
    if (this.known === undefined) throw this.corrupt('it ends before its first line');
    return this.known;
  }

  /**
   * The rows, as they come. When it ends by itself, the file agrees with itself.
   * @throws ForewarmError FW_BACKUP_CORRUPT, FW_BACKUP_FORMAT; the signal's reason when it is aborted
   */
  async *read(): AsyncGenerator<readonly ParsedRow[], PassEnd> {
    const { size } = await this.handle.stat();
    const splitter = new LineSplitter(HEADER_BYTES);
    const decoded = decodedBytes(this.handle, (bytes) => this.file.add(bytes));
    try {
      for await (const chunk of decoded) {
        this.options.signal?.throwIfAborted();
        const rows: ParsedRow[] = [];
        for (const line of splitter.push(chunk)) {
          const row = this.take(line.text, line.bytes);
          if (this.number === 1) splitter.limit = this.longestLine();
          if (row !== undefined) rows.push(row);
        }
        this.options.onProgress?.({ bytesDone: this.file.bytes, bytes: size });
        if (rows.length > 0) yield rows;
      }
    } catch (error) {
      if (error instanceof ForewarmError || this.options.signal?.aborted === true) throw error;
      // What cannot even be read as a first line of text was never a backup.
      throw this.number > 0 || isOfCompression(error) ? this.corrupt(messageOf(error)) : this.noBackup();
    }
    if (splitter.unfinished || this.trailer === undefined) throw this.corrupt('it ends before its last line');
    return { trailer: this.trailer, missing: this.missing, ...this.file.read() };
  }

  /** One line; its row, where it is one. */
  private take(text: string, bytes: Buffer): ParsedRow | undefined {
    this.number += 1;
    if (this.trailer !== undefined) throw this.corrupt('there is more behind its last line');
    const line = this.parse(text);
    if (this.number === 1) this.known = this.takeHeader(line);
    else if ('category' in line) return this.count(bytes, this.takeRow(line));
    else if ('missing' in line && typeof line.missing === 'string') this.missing.push(this.takeMissing(line));
    else this.trailer = this.takeTrailer(line);
    return this.count(bytes, undefined);
  }

  private count<T>(bytes: Buffer, taken: T): T {
    this.lines.add(bytes);
    return taken;
  }

  private parse(text: string): object {
    try {
      const line: unknown = JSON.parse(text);
      if (typeof line === 'object' && line !== null && !Array.isArray(line)) return line;
    } catch {
      // Said below.
    }
    throw this.number === 1 ? this.noBackup() : this.corrupt('it is no object of JSON');
  }

  private takeHeader(line: object): BackupHeader {
    const { forewarm, format } = line as Record<string, unknown>;
    if (forewarm !== 'backup') throw this.noBackup();
    if (format !== BACKUP_FORMAT) {
      throw new ForewarmError(
        'FW_BACKUP_FORMAT',
        `${this.path} has format ${format}; this version reads ${BACKUP_FORMAT}`,
      );
    }
    const header = headerLine.safeParse(line);
    if (!header.success) throw this.corrupt(`its header is not understood: ${header.error.issues[0]?.message}`);
    if (!header.data.identity.startsWith(header.data.generation))
      throw this.corrupt('its identity is of another generation');
    return header.data;
  }

  private takeRow(line: object): ParsedRow {
    const row = readRowLine(line, this.valuesOfRow());
    if (typeof row === 'string') throw this.corrupt(row);
    this.rows += 1;
    return row;
  }

  private takeMissing(line: object): string {
    const missing = missingLine.safeParse(line);
    if (missing.success) return missing.data.missing;
    throw this.corrupt('it is neither a row nor the last line');
  }

  private takeTrailer(line: object): BackupTrailer {
    const parsed = trailerLine.safeParse(line);
    if (!parsed.success) throw this.corrupt('it is neither a row nor the last line');
    const trailer = parsed.data;
    if (trailer.sha256 !== this.lines.read().sha256)
      throw this.corrupt('the lines before it are not as they were written');
    const { rows, missing } = trailer;
    const found = `${this.rows} rows and ${this.missing.length} missing ones`;
    if (rows !== this.rows || missing !== this.missing.length) {
      throw this.corrupt(`${found}, but it says ${rows} and ${missing}`);
    }
    if (rows + missing !== this.header.categories) {
      throw this.corrupt(`${found}, but its header says ${this.header.categories} categories`);
    }
    return trailer;
  }

  private valuesOfRow(): number {
    return cellCount(this.header.axes) * this.header.outputs.length;
  }

  private longestLine(): number {
    return ROW_HEAD_BYTES + VALUE_BYTES * this.valuesOfRow();
  }

  private noBackup(): ForewarmError {
    return new ForewarmError('FW_BACKUP_FORMAT', `${this.path} is no backup of Forewarm`, {
      next: 'Name a file that forewarm backup wrote; forewarm backups lists them.',
    });
  }

  private corrupt(what: string): ForewarmError {
    const where = this.number === 0 ? this.path : `${this.path}, line ${this.number}`;
    return new ForewarmError('FW_BACKUP_CORRUPT', `${where}: ${what}`);
  }
}

function isOfCompression(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}
