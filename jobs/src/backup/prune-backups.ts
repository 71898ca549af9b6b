import { parseName } from '#shared/backup/backup-names';
import { expired } from '#shared/backup/retention';
import { errorFacts, type Logger } from '#shared/logger';
import type { JobContext } from '../context';

/**
 * Deletes the backups of a model that are not kept any longer. Returns their files.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE: what is being restored is not known then
 */
export async function pruneBackups(context: JobContext, model: string, log: Logger): Promise<string[]> {
  const { folder, store } = context.backups;
  const restoring = await context.cache(model).restoring();
  const { backups } = await folder.list(model);
  const old = expired(backups, context.config.backup.keep, ({ file }) => parseName(file)?.name === restoring?.name);
  for (const backup of old) await folder.remove(backup);
  const files = old.map(({ file }) => file);
  if (files.length === 0) return files;
  log.info('old backups deleted', { files });
  await store.deleted(files, new Date(context.clock.now())).catch((error: unknown) => {
    context.errors.report('deleted backups were not recorded in Postgres', error, errorFacts(error), { log });
  });
  return files;
}
