import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

/** A log that is longer than this when a server starts is moved to `NAME.1`, and the one before it is dropped. */
const ROTATE_BYTES = 5 * 1024 * 1024;

const TAIL_BYTES = 4096;
const TAIL_LINES = 12;

/** The log file of one start of a server: opened for appending, and able to quote what that start wrote. */
export class ServerLog {
  readonly file: string;
  readonly descriptor: number;
  private readonly from: number;

  constructor(file: string) {
    rotate(file);
    this.file = file;
    this.descriptor = openSync(file, 'a', 0o600);
    this.from = fstatSync(this.descriptor).size;
  }

  /** Our own handle; the server keeps writing through the one that it inherited. */
  close(): void {
    closeSync(this.descriptor);
  }

  /** The last lines since this start, at most 12 and 4 KiB; empty when there are none. */
  tail(): string {
    let descriptor: number;
    try {
      descriptor = openSync(this.file, 'r');
    } catch {
      return '';
    }
    try {
      const size = fstatSync(descriptor).size;
      const start = Math.max(this.from, size - TAIL_BYTES);
      const bytes = Buffer.alloc(Math.max(0, size - start));
      const read = readSync(descriptor, bytes, 0, bytes.length, start);
      return bytes.toString('utf8', 0, read).trim().split('\n').slice(-TAIL_LINES).join('\n');
    } finally {
      closeSync(descriptor);
    }
  }
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > ROTATE_BYTES) renameSync(file, `${file}.1`);
}
