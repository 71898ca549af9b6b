import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder, removeFolders } from './servers/temp-folder';

const CHUNK_BYTES = 4_096;

/** A disk of its own that a test can fill: a tmpfs, for which it takes root and the right to mount. */
export class SmallDisk {
  readonly folder = makeTempFolder('disk');
  private readonly filler = join(this.folder, 'filler');

  /** `unmount` it when nobody uses it any more. Everybody may write into it. */
  constructor(bytes: number) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', this.folder], { stdio: 'pipe' });
    } catch (error) {
      removeFolders(this.folder);
      throw error;
    }
  }

  /** Whether this user may mount here. */
  static possible(): boolean {
    if (process.getuid?.() !== 0) return false;
    try {
      new SmallDisk(CHUNK_BYTES).unmount();
      return true;
    } catch {
      return false;
    }
  }

  /** PostgreSQL takes a folder only from its own user. */
  giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }): void {
    chownSync(this.folder, uid, gid);
  }

  /** Leaves no byte free. */
  fill(): void {
    const file = openSync(this.filler, 'a');
    try {
      for (;;) writeSync(file, Buffer.alloc(CHUNK_BYTES));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Takes away what `fill` wrote. */
  free(): void {
    rmSync(this.filler);
  }

  unmount(): void {
    execFileSync('umount', [this.folder], { stdio: 'pipe' });
    removeFolders(this.folder);
  }
}
