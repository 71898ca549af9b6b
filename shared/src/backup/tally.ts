import { createHash } from 'node:crypto';

export interface Tallied {
  readonly bytes: number;
  readonly sha256: string;
}

/** Counts and hashes bytes as they pass. */
export class Tally {
  bytes = 0;
  private readonly hash = createHash('sha256');

  add(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.hash.update(bytes);
  }

  /** So far; it may go on. */
  read(): Tallied {
    return { bytes: this.bytes, sha256: this.hash.copy().digest('hex') };
  }
}
