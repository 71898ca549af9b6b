import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { BackupFolder } from '#shared/backup/backup-folder';
import { approximateBytes } from '#shared/config/bytes';
import type { Config } from '#shared/config/types';
import type { ClockOffset } from '#shared/connections/redis-state';
import { formatElapsed } from '../elapsed';
import { type Finding, fail, pass, warn } from './finding';

/** From so many milliseconds on ages and schedules of two machines disagree; from so many they are wrong. */
const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 10_000;

/** @param ahead how far another clock is ahead of this one, and how far off that may be, milliseconds */
export function clockFinding(of: string, { aheadMs, uncertainMs }: ClockOffset): Finding {
  const check = `clock of ${of}`;
  const least = Math.max(0, Math.abs(aheadMs) - uncertainMs);
  const found = `${least < 1 ? 'as here' : `${Math.round(Math.abs(aheadMs))} ms ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`}`;
  if (least < SKEW_WARN_MS) return pass(check, found);
  const next = 'Synchronise the clocks (NTP): ages, expiry and schedules go by them.';
  return least < SKEW_FAIL_MS ? warn(check, found, next) : fail(check, found, next);
}

/** Connections, files and processes of a busy daemon with its reserve. */
const FILES_WARN = 1_024;

export async function fileLimitFinding(): Promise<Finding> {
  const check = 'file descriptors';
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => undefined);
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return pass(check, 'this system does not tell its limit');
  if (soft === 'unlimited' || Number(soft) > FILES_WARN) return pass(check, `limit ${soft}`);
  return warn(
    check,
    `limit ${soft}`,
    'Raise it (LimitNOFILE= in systemd, ulimit -n): each client of the API takes one.',
  );
}

/** Bytes of a backup for each prediction, by measurement, and what is kept of them. */
const BYTES_PER_PREDICTION = 5;

/** @param predictions of all models; `undefined` where a model could not be loaded */
export async function backupFolderFindings(config: Config, predictions: number | undefined): Promise<Finding[]> {
  const check = 'backup folder';
  const { schedule, folder, keep, folderNamed } = config.backup;
  if (schedule === 'off') return [warn(check, 'backup.schedule is off', 'Set backup.schedule, such as "15 3 * * *".')];
  const missing = await access(folder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  if (missing === 'ENOENT' && !folderNamed) {
    return [
      warn(check, `${folder} is not there yet`, 'The first backup makes it; name one in backup.folder for production.'),
    ];
  }
  if (missing !== undefined) {
    return [
      fail(check, `${folder}: ${missing}`, 'Make it, mount it, or give this user the rights; or set backup.folder.'),
    ];
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const copies = keep.last + keep.daily + keep.weekly;
  const needs = predictions === undefined ? 0 : predictions * BYTES_PER_PREDICTION * copies;
  const found = `${folder}, ${approximateBytes(free)} free; ${copies} backups need about ${approximateBytes(needs)}`;
  const next = 'Make room, or keep fewer (backup.keep).';
  const space =
    free > needs ? pass(check, found) : free > needs / copies ? warn(check, found, next) : fail(check, found, next);
  return [space, ...(await newestFindings(config))];
}

/** A day and some hours: one that was missed is noticed before the next. */
const BACKUP_AGE_MS = 26 * 3_600_000;

async function newestFindings(config: Config): Promise<Finding[]> {
  const { backups } = await new BackupFolder(config.backup).list();
  return config.models.map(({ name }) => {
    const check = config.models.length === 1 ? 'newest backup' : `newest backup of ${name}`;
    const newest = backups.find(({ model, missing }) => model === name && missing === 0);
    const next = 'Take one: forewarm backup --wait.';
    if (newest === undefined) return warn(check, 'there is none that is complete and verified', next);
    const ageMs = Date.now() - Date.parse(newest.verifiedAt);
    const found = `${newest.file}, verified ${formatElapsed(ageMs)} ago`;
    if (ageMs <= BACKUP_AGE_MS) return pass(check, found);
    return warn(check, found, `${next} Look at forewarm status and the log of the daemon for why none came.`);
  });
}
