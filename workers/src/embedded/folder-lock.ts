import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ForewarmError } from '#shared/errors';
import { identify, isRunning, type ProcessIdentity } from './process-identity';

export const LOCK_FILE = 'lock.json';

/** How often a stale lock that keeps changing under our hands is tried again. */
const MAX_TRIES = 5;

interface LockHolder extends ProcessIdentity {
  /** ISO date, for people. */
  readonly since: string;
  /** Makes the text of every lock another, also of two locks of one process. */
  readonly nonce: string;
}

/** Keeps a second `up` off a folder. It belongs to a process, not to a file: a killed holder leaves nothing to clear. */
export class FolderLock {
  private readonly file: string;
  private held: string | undefined;

  constructor(folder: string) {
    this.file = join(folder, LOCK_FILE);
  }

  /** Takes the lock of an existing folder. Throws FW_ALREADY_RUNNING while another process holds it. */
  acquire(now: Date = new Date()): void {
    const mine = describeThisProcess(now);
    for (let tried = 0; tried < MAX_TRIES; tried++) {
      if (createWhole(this.file, mine)) {
        this.held = mine;
        return;
      }
      const found = readIfThere(this.file);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isRunning(holder)) throw alreadyRunning(this.file, holder);
      this.removeStale(found);
    }
    throw new ForewarmError('FW_ALREADY_RUNNING', `The lock ${this.file} is being taken by other processes just now.`);
  }

  /** Gives the lock back; nothing happens when it is not ours. */
  release(): void {
    if (this.held === undefined) return;
    if (readIfThere(this.file) === this.held) rmSync(this.file, { force: true });
    this.held = undefined;
  }

  /** The process that holds the lock of `folder` now, if any does. */
  static holder(folder: string): ProcessIdentity | undefined {
    const found = readIfThere(join(folder, LOCK_FILE));
    const holder = found === undefined ? undefined : parseHolder(found);
    return holder !== undefined && isRunning(holder) ? holder : undefined;
  }

  private removeStale(found: string): void {
    // Moved, not deleted: between our look and our move another process may have put its own lock there, and that one
    // has to go back.
    const aside = `${this.file}.${randomBytes(6).toString('hex')}`;
    try {
      renameSync(this.file, aside);
    } catch {
      return;
    }
    const moved = readIfThere(aside);
    if (moved !== undefined && moved !== found) createWhole(this.file, moved);
    rmSync(aside, { force: true });
  }
}

function describeThisProcess(now: Date): string {
  const self = identify(process.pid);
  const nonce = randomBytes(6).toString('hex');
  const holder: LockHolder = { pid: process.pid, began: self?.began ?? '', since: now.toISOString(), nonce };
  return `${JSON.stringify(holder)}\n`;
}

/** Creates `file` with its content in one step; false when there is one already. */
function createWhole(file: string, content: string): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, content, { flag: 'wx', mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // A file system without hard links (some shared folders of virtual machines).
    return createPlain(file, content);
  } finally {
    rmSync(draft, { force: true });
  }
}

function createPlain(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, began, since, nonce } = value as Partial<LockHolder>;
    if (typeof pid !== 'number' || typeof began !== 'string') return undefined;
    return { pid, began, since: since ?? 'an unknown time', nonce: nonce ?? '' };
  } catch {
    return undefined;
  }
}

function alreadyRunning(file: string, holder: LockHolder): ForewarmError {
  return new ForewarmError(
    'FW_ALREADY_RUNNING',
    `Another forewarm up runs on this folder: process ${holder.pid}, since ${holder.since} (${file}).`,
    {
      details: { pid: holder.pid, since: holder.since, lock: file },
      next: `Stop it first (Ctrl-C in its terminal, or kill ${holder.pid}), or use another folder.`,
    },
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
