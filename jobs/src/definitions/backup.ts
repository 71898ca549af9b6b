import { z } from 'zod';
import type { TakenBackup } from '#shared/backup/take-backup';
import type { Config } from '#shared/config/types';
import { type CronTimes, lastDueMs, periodMs } from '#shared/cron-times';
import { ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import { version } from '#shared/version';
import { isDue } from '../backup/is-due';
import { pruneBackups } from '../backup/prune-backups';
import type { JobContext } from '../context';
import { requireModel } from '../cycle/require-model';
import { defineJob, type JobRun, type Outcome } from '../define-job';

export const BACKUP_TRIGGERS = ['schedule', 'startup', 'command', 'dashboard'] as const;
export type BackupTrigger = (typeof BACKUP_TRIGGERS)[number];

/** What somebody may ask of a backup. */
export const backupRequest = z.strictObject({
  model: z.string().min(1).describe('Name of the model to back up.'),
  generation: z.enum(['live', 'all']).optional().describe('The live generation, or also the one that was live before.'),
});

const payload = backupRequest.extend({
  trigger: z.enum(BACKUP_TRIGGERS).describe('What asks for the backup.'),
});
type BackupPayload = z.infer<typeof payload>;

/** What a backup came to, for whoever waits for it. */
export interface BackupSummary {
  readonly files: readonly TakenBackup['manifest'][];
  readonly deleted: readonly string[];
  readonly durationMs: number;
}

/** A deployment that was just set up may not have published anything when its first backup is due. */
const WARMING_MS = 3_600_000;
const AGAIN_MS = 30_000;

export const BACKUP_CONDITIONS = { failed: 'backup-failed', incomplete: 'backup-incomplete' } as const;

/** Writes what is live to a file, reads it back, and deletes what is not kept any longer. */
export const backup = defineJob({
  name: 'backup',
  description: 'Writes the live generation of a model to a file, verifies it, and deletes old backups.',
  role: 'scheduler',
  payload,
  facts: ({ model }) => ({ model }),
  schedules: (config) => {
    const cron = timesOf(config);
    if (cron === undefined) return [];
    const everyMs = periodMs(cron, Date.now());
    return config.models.map(({ name }) => ({
      key: name,
      everyMs,
      cron,
      payload: { model: name, trigger: 'schedule' as const },
    }));
  },
  // A Redis that is away for a minute must not cost the backup of a day.
  retries: { attempts: 5, firstDelayMs: 10_000 },
  timeLimitMs: () => 2 * 3_600_000,
  async run(run) {
    const { payload: asked, context, stopping } = run;
    const { model, trigger } = asked;
    requireModel(context, model);
    const scheduled = trigger === 'schedule' || trigger === 'startup';
    if (scheduled && !(await isModelDue(context, model))) {
      return { outcome: 'skipped', reason: 'it was backed up since it was due' };
    }
    try {
      return { outcome: 'done', summary: await take(run) };
    } catch (error) {
      if (stopping.aborted) return { outcome: 'handed back', reason: 'the daemon stops' };
      return scheduled ? whenWarm(context, error) : Promise.reject(error);
    }
  },
  async failed({ payload: { model }, context, log }, error) {
    const { message, code, next } = error;
    const alert = { condition: BACKUP_CONDITIONS.failed, model, message, facts: { code, next } };
    await context.alerts
      .fire(alert, context.host, new Date(context.clock.now()))
      .catch((failure: unknown) => log.error('the alert of a failed backup was not recorded', errorFacts(failure)));
  },
});

/** When backups are due; `undefined` when never. */
export function timesOf({ backup: { schedule, timezone } }: Config): CronTimes | undefined {
  return schedule === 'off' ? undefined : { pattern: schedule, timezone };
}

/**
 * Whether a backup of the model was missed, or is due now.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function isModelDue(context: JobContext, model: string): Promise<boolean> {
  const times = timesOf(context.config);
  if (times === undefined) return false;
  const nowMs = context.clock.now();
  const sinceMs = await context.backups.times.sinceMs(model, nowMs);
  return isDue(times, { sinceMs, lastMs: await context.backups.times.lastMs(model) }, nowMs);
}

function whenWarm({ config, clock }: JobContext, error: unknown): Outcome {
  const times = timesOf(config);
  const isCold = error instanceof ForewarmError && error.code === 'FW_NOT_WARMED';
  const waited = times === undefined ? 0 : clock.now() - lastDueMs(times, clock.now());
  if (!isCold || waited > WARMING_MS) throw error;
  return { outcome: 'later', afterMs: AGAIN_MS, reason: 'nothing is published yet' };
}

async function take(run: JobRun<BackupPayload>): Promise<BackupSummary> {
  const { payload: asked, context, log, stopping } = run;
  const { model, generation = 'live' } = asked;
  const { backups, config, clock, targets } = context;
  const beganMs = performance.now();
  // A file that cannot be loaded any more keeps nobody from backing up what it gave.
  const spec = await context.models.resolve(model).catch(() => undefined);
  const request = {
    generation,
    categories: context.models.configured(model).categories,
    known: spec === undefined ? [] : [spec.identity],
    backup: config.backup,
    version: version(),
  };
  const options = { onProgress: (progress: object) => run.progress(progress), signal: stopping };
  const { taken, figures } = await backups.runner.take({ task: 'take', targets, model, request }, options);
  const durationMs = performance.now() - beganMs;
  for (const one of taken) report(log, one, durationMs, figures.peakRssBytes);
  await backups.times.done(model, Date.parse(taken[0]?.manifest.startedAt ?? new Date(clock.now()).toISOString()));
  const files = taken.map(({ manifest }) => manifest);
  await remember(context, asked, files, log);
  const deleted = await pruneBackups(context, model, log);
  return { files, deleted, durationMs };
}

function report(log: Logger, { manifest, postgresFailure }: TakenBackup, durationMs: number, peakBytes: number): void {
  const { file, generation, rows, missing, bytes, compared } = manifest;
  const facts = {
    file,
    generation,
    rows,
    bytes,
    compared,
    duration_s: Number((durationMs / 1_000).toFixed(3)),
    peakBytes,
  };
  const next = 'See forewarm status; the next cycle computes what is missing.';
  if (missing === 0) log.info('backup written and verified', facts);
  else log.warn('backup is incomplete: rows were in no store', { ...facts, missing, postgresFailure, next });
}

/** Beside the path: the folder says what there is. */
async function remember(
  context: JobContext,
  { model, trigger }: BackupPayload,
  files: BackupSummary['files'],
  log: Logger,
): Promise<void> {
  const { alerts, backups, clock, host } = context;
  const now = new Date(clock.now());
  const missing = files.reduce((sum, file) => sum + file.missing, 0);
  const { failed, incomplete } = BACKUP_CONDITIONS;
  try {
    for (const file of files) await backups.store.record(file, { trigger, host, folder: backups.folder.path });
    await alerts.resolve(missing === 0 ? [failed, incomplete] : [failed], model, now);
    if (missing === 0) return;
    const message = `${missing} rows of ${model} were in no store when it was backed up`;
    await alerts.fire({ condition: incomplete, model, message, facts: { missing, file: files[0]?.file } }, host, now);
  } catch (error) {
    context.errors.report('a backup was not recorded in Postgres', error, errorFacts(error), { log });
  }
}
