import { restoreGeneration } from '#shared/backup/restore-backup';
import { fromPostgres } from '#shared/backup/restore-source';
import { withStores } from '#shared/backup/stores';
import { ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import type { ModelSpec } from '#shared/model/spec';
import { restoreRequest } from '../backup/restore-request';
import type { JobContext } from '../context';

/**
 * The generation that an operator chose over that of the model file, where one did: then the file is not computed. A cache that has
 * lost its pointer gets the pinned generation back from Postgres.
 * @returns the pinned generation; `undefined` when the model file may be computed
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function keepPin(context: JobContext, spec: ModelSpec, log: Logger): Promise<string | undefined> {
  const pointer = await context.cache(spec.name).pointer();
  if (pointer !== undefined) return pointer.pinnedOver === spec.generation ? pointer.generation : undefined;
  // That Postgres is away must not keep the model from being served.
  const record = await context.generations.live(spec.name).catch(() => undefined);
  if (record?.pinnedOver !== spec.generation) return undefined;
  try {
    return await withStores(context.targets, spec.name, async (stores) => {
      const source = await fromPostgres(stores, record);
      if (source.rows === 0) return undefined;
      const by = `${context.host}, after the cache was lost`;
      const request = restoreRequest(context.models.configured(spec.name), spec, { by, gates: undefined });
      const reporting = {
        onProgress: () => undefined,
        signal: new AbortController().signal,
        now: () => new Date(context.clock.now()),
      };
      const { generation, rows } = await restoreGeneration(stores, source, request, reporting);
      log.warn('the cache was lost: the pinned generation was restored from Postgres', { generation, rows });
      return generation;
    });
  } catch (error) {
    // Another daemon is at it.
    if (error instanceof ForewarmError && error.code === 'FW_RESTORE_RUNNING') return record.id;
    log.error('the pinned generation could not be restored from Postgres', {
      generation: record.id,
      ...errorFacts(error),
    });
    throw error;
  }
}
