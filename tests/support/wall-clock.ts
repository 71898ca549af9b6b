import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder, removeFolders } from './servers/temp-folder';

/** The library by which `faketime` (a package of that name) comes between a program and the clock; absent without it. */
export const FAKETIME_LIBRARY: string | undefined =
  spawnSync('faketime', ['-m', '-f', '+0s', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).stdout?.trim() ||
  undefined;

const SHARED_MEMORY = '/dev/shm';

/** A wall clock that can be set while the processes run that go by it. What they measure durations with goes on. */
export class WallClock {
  /** For the environment of those processes. */
  readonly env: Record<string, string>;
  private readonly folder = makeTempFolder('clock');
  private readonly file = join(this.folder, 'offset');
  private offsetMs = 0;

  constructor() {
    this.env = {
      LD_PRELOAD: FAKETIME_LIBRARY ?? '',
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  /** Sets it ahead of the real time by so much, or behind. */
  set(offsetMs: number): void {
    this.offsetMs = offsetMs;
    const next = `${this.file}.next`;
    writeFileSync(next, `${offsetMs < 0 ? '' : '+'}${offsetMs / 1_000}\n`, { mode: 0o644 });
    // In one go: it is read all the time.
    renameSync(next, this.file);
  }

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  /** Also what a process that was killed left of the library's in shared memory. */
  remove(): void {
    removeFolders(this.folder);
    for (const name of existsSync(SHARED_MEMORY) ? readdirSync(SHARED_MEMORY) : []) {
      const pid = /faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(SHARED_MEMORY, name), { force: true });
    }
  }
}
