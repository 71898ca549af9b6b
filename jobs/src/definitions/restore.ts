import { z } from 'zod';
import type { RestoreSummary } from '#shared/backup/restore-request';
import { ForewarmError } from '#shared/errors';
import type { Logger } from '#shared/logger';
import { restoreRequest } from '../backup/restore-request';
import { requireModel } from '../cycle/require-model';
import { defineJob } from '../define-job';

/** What somebody may ask of a restore: by the name of the list alone, never by a path from outside. */
export const restoreJobRequest = z.strictObject({
  model: z.string().min(1).describe('Name of the model to restore.'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,200}$/)
    .describe('Name of the backup, as `forewarm backups` lists it, or `latest`.'),
  overwrite: z.boolean().optional().describe('Write every row, also where one is that is whole and as new.'),
  allowIncomplete: z
    .boolean()
    .optional()
    .describe('Let a backup that lacks rows take the place of a generation that has them.'),
  force: z.boolean().optional().describe('Publish another generation also when a gate refuses it.'),
});

const AGAIN_MS = 5_000;

/** Brings a backup back that lies in the folder of this machine. */
export const restore = defineJob({
  name: 'restore',
  description: 'Brings a backup back: mends the live generation, or publishes another one.',
  role: 'scheduler',
  payload: restoreJobRequest,
  facts: ({ model, name }) => ({ model, backup: name }),
  retries: { attempts: 3, firstDelayMs: 5_000 },
  timeLimitMs: () => 2 * 3_600_000,
  async run(run) {
    const { payload, context, log, stopping } = run;
    const { model, name, overwrite = false, allowIncomplete = false, force = false } = payload;
    requireModel(context, model);
    const { folder, runner } = context.backups;
    const path = folder.pathOf(await folder.find(name, model));
    const spec = await context.models.resolve(model).catch(() => undefined);
    const request = restoreRequest(context.models.configured(model), spec, {
      ...{ overwrite, allowIncomplete, by: `${context.host}, job ${run.id}` },
      ...(force && { gates: undefined }),
    });
    try {
      const task = { task: 'restore', targets: context.targets, model, path, request } as const;
      const options = { onProgress: (progress: object) => run.progress(progress), signal: stopping };
      const { restored } = await runner.restore(task, options);
      reportRestored(restored, log);
      return { outcome: 'done', summary: restored };
    } catch (error) {
      if (stopping.aborted) return { outcome: 'handed back', reason: 'the daemon stops' };
      // Perhaps of this job, by a daemon that was killed.
      if (error instanceof ForewarmError && error.code === 'FW_RESTORE_RUNNING') {
        return { outcome: 'later', afterMs: AGAIN_MS, reason: error.message };
      }
      throw error;
    }
  },
});

export function reportRestored(restored: RestoreSummary, log: Logger): void {
  const { durationMs, model: _, ...facts } = restored;
  log.info('restored', { ...facts, duration_s: Number((durationMs / 1_000).toFixed(3)) });
}
