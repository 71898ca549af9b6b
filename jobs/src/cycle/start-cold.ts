import { restoreGeneration } from '#shared/backup/restore-backup';
import { fromPostgres } from '#shared/backup/restore-source';
import { withStores } from '#shared/backup/stores';
import { ForewarmError } from '#shared/errors';
import type { Logger } from '#shared/logger';
import { restoreRequest } from '../backup/restore-request';
import type { JobContext } from '../context';

/**
 * Serves what there is of a model whose file is missing and that has nothing live: the rows of Postgres, or the newest verified
 * backup, as `startFrom` allows. It is not pinned: the file is published when it is back.
 * @returns what it was served from; `undefined` when neither has anything
 * @throws ForewarmError FW_REDIS_UNAVAILABLE, and what a restore throws
 */
export async function startCold(context: JobContext, model: string, log: Logger): Promise<string | undefined> {
  const configured = context.models.configured(model);
  const request = restoreRequest(configured, undefined, { by: `${context.host}, at start` });
  const signal = new AbortController().signal;
  const options = { onProgress: () => undefined, signal };
  if (configured.startFrom.includes('postgres')) {
    const restored = await withStores(context.targets, model, async (stores) => {
      const record = await context.generations.live(model).catch(() => undefined);
      const source = record && (await fromPostgres(stores, record));
      if (source === undefined || source.rows === 0) return undefined;
      const pinned = { ...request, pinOver: record?.pinnedOver ?? null };
      return restoreGeneration(stores, source, pinned, { ...options, now: () => new Date(context.clock.now()) });
    });
    if (restored !== undefined) return tell(log, 'Postgres', restored.generation);
  }
  const { folder, runner } = context.backups;
  const newest = await folder.find('latest', model).catch((error: unknown) => {
    if (error instanceof ForewarmError && error.code === 'FW_BACKUP_MISSING') return undefined;
    throw error;
  });
  if (newest === undefined) return undefined;
  const task = { task: 'restore', targets: context.targets, model, path: folder.pathOf(newest), request } as const;
  const { restored } = await runner.restore(task, options);
  return tell(log, `the backup ${newest.file}`, restored.generation);
}

function tell(log: Logger, from: string, generation: string): string {
  log.warn('the model file is missing: what is served is a copy', { from, generation });
  return from;
}
