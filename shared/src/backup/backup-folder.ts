import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupConfig } from '../config/types';
import { temporaryOwner } from '../durable-file';
import { ForewarmError, messageOf } from '../errors';
import { isRunning } from '../is-running';
import { dataFile, isDataFile, MANIFEST_ENDING, manifestFile, parseName } from './backup-names';
import { manifestFacts, writeFailure } from './backup-writer';
import type { BackupManifest } from './documents';
import { readManifest, sealManifest, writeManifest } from './manifest';
import { verifyBackup } from './verified-backup';

/** A temporary file of another machine is nobody's when nothing was written to it for so long. */
const FORGOTTEN_MS = 3_600_000;

/** Something in the folder that is no backup that could be restored, though it is called like one. */
export interface OtherFile {
  readonly name: string;
  readonly why: string;
}

export interface FolderList {
  /** Newest first: in the order in which they were made, whatever the clocks said. */
  readonly backups: readonly BackupManifest[];
  readonly others: readonly OtherFile[];
}

/** The folder in which the backups of a deployment lie, each with a manifest beside it. */
export class BackupFolder {
  readonly path: string;
  private readonly named: boolean;

  constructor({ folder, folderNamed }: Pick<BackupConfig, 'folder' | 'folderNamed'>) {
    this.path = folder;
    this.named = folderNamed;
  }

  /**
   * Makes sure that backups can be written here.
   * @throws ForewarmError FW_BACKUP_FOLDER
   */
  async open(): Promise<void> {
    try {
      // One that is named and not there may be a disk that is not mounted: what is written there instead would be lost.
      if (!this.named) await mkdir(this.path, { mode: 0o700 }).catch(unlessThere);
      const probe = join(this.path, `.probe.${process.pid}.tmp`);
      await (await open(probe, 'w', 0o600)).close();
      await rm(probe);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw writeFailure(this.path, error);
      throw folderRefused(this.path, error);
    }
  }

  /**
   * What is there, told by the manifests alone.
   * @throws ForewarmError FW_BACKUP_FOLDER when it cannot be looked into; a default one that was never made is empty
   */
  async list(model?: string): Promise<FolderList> {
    const backups: BackupManifest[] = [];
    const others: OtherFile[] = [];
    const files = await this.files();
    for (const file of files) {
      const named = parseName(file);
      if (named === undefined || (model !== undefined && named.model !== model)) continue;
      if (file.endsWith(MANIFEST_ENDING)) {
        const found = await this.judge(file, files);
        if ('why' in found) others.push(found);
        else backups.push(found);
      } else if (!files.has(manifestFile(named.name))) {
        others.push({ name: file, why: 'it has no manifest: its writing was interrupted at the very end' });
      }
    }
    backups.sort((a, b) => a.model.localeCompare(b.model) || b.sequence - a.sequence);
    return { backups, others };
  }

  /** The number of the next backup of a model. */
  async nextSequence(model: string): Promise<number> {
    const [newest] = (await this.list(model)).backups;
    return (newest?.sequence ?? 0) + 1;
  }

  /**
   * The backup of that name; for `latest` the newest one that is complete and was of what was live, or the newest of all where there is
   * none.
   * @throws ForewarmError FW_BACKUP_MISSING: also for whatever is not a name of the list, such as a path
   */
  async find(name: string, model?: string): Promise<BackupManifest> {
    const { backups } = await this.list(model);
    const found =
      name === 'latest'
        ? (backups.find(({ missing, scope }) => missing === 0 && scope === 'live') ?? backups[0])
        : backups.find(({ file }) => parseName(file)?.name === (parseName(name)?.name ?? name));
    if (found !== undefined) return found;
    const what = name === 'latest' ? 'no backup' : `no backup ${JSON.stringify(name)}`;
    const whose = model === undefined ? '' : ` of ${model}`;
    throw new ForewarmError('FW_BACKUP_MISSING', `there is ${what}${whose} in ${this.path}`);
  }

  pathOf({ file }: BackupManifest): string {
    return join(this.path, file);
  }

  async remove({ file }: BackupManifest): Promise<void> {
    // The manifest last: a file without one is looked at again, a manifest without a file is not.
    await rm(join(this.path, file), { force: true });
    await rm(join(this.path, manifestFile(parseName(file)?.name ?? file)), { force: true });
  }

  /** Deletes what backups left behind whose process was killed. Returns the names. */
  async removeLeftovers(nowMs: number): Promise<string[]> {
    const gone: string[] = [];
    for (const file of await this.files()) {
      const owner = temporaryOwner(file);
      if (owner === undefined || !(await this.isForgotten(file, owner, nowMs))) continue;
      await rm(join(this.path, file), { force: true });
      gone.push(file);
    }
    return gone;
  }

  /** Gives whole backups a manifest whose process was killed just before it wrote one. Returns what they are now. */
  async adoptOrphans(model: string, now: Date): Promise<BackupManifest[]> {
    const adopted: BackupManifest[] = [];
    const files = await this.files();
    for (const file of files) {
      const named = parseName(file);
      if (named?.model !== model || !isDataFile(file) || files.has(manifestFile(named.name))) continue;
      const manifest = await this.adopt(file, now).catch((error: unknown) => {
        if (error instanceof ForewarmError) return undefined;
        throw error;
      });
      if (manifest !== undefined) adopted.push(manifest);
    }
    return adopted;
  }

  private async adopt(file: string, now: Date): Promise<BackupManifest | undefined> {
    const backup = await verifyBackup(join(this.path, file));
    await backup.close();
    const manifest = sealManifest({
      ...manifestFacts(backup.header, backup.trailer),
      file,
      ...backup.tallied,
      compression: file === dataFile(backup.name, 'gzip') ? 'gzip' : 'none',
      scope: 'live',
      sequence: await this.nextSequence(backup.header.model),
      verifiedAt: now.toISOString(),
      compared: 0,
    });
    await writeManifest(join(this.path, manifestFile(backup.name)), manifest);
    return manifest;
  }

  private async judge(file: string, files: ReadonlySet<string>): Promise<BackupManifest | OtherFile> {
    try {
      const manifest = await readManifest(join(this.path, file));
      if (parseName(manifest.file)?.name !== parseName(file)?.name) return { name: file, why: 'it is of another file' };
      return files.has(manifest.file) ? manifest : { name: file, why: `${manifest.file} is missing` };
    } catch (error) {
      return { name: file, why: messageOf(error) };
    }
  }

  private async isForgotten(
    file: string,
    { host, pid }: { readonly host: string; readonly pid: number },
    nowMs: number,
  ): Promise<boolean> {
    if (host !== '') return !isRunning(pid);
    const { mtimeMs } = await stat(join(this.path, file)).catch(() => ({ mtimeMs: nowMs }));
    return nowMs - mtimeMs > FORGOTTEN_MS;
  }

  private async files(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await readdir(this.path));
    } catch (error) {
      if (!this.named && (error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
      throw folderRefused(this.path, error);
    }
  }
}

function folderRefused(path: string, error: unknown): ForewarmError {
  return new ForewarmError('FW_BACKUP_FOLDER', `backup.folder ${path}: ${messageOf(error)}`, { cause: error });
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
