import type { LivePointer, Metadata } from '../cache/pointer';
import { withLease } from '../cache/restore-lease';
import { ForewarmError } from '../errors';
import { pairRows } from '../rollout/compare-generations';
import { GateKeeper, refusalText, worstText } from '../rollout/gates';
import { checkFit } from './check-fit';
import type { RestoreRequest, RestoreSummary } from './restore-request';
import { type RowCounts, RowRestorer } from './restore-rows';
import { fromBackup, type RestoreSource } from './restore-source';
import type { BackupStores } from './stores';
import type { Reporting } from './take-backup';
import type { VerifiedBackup } from './verified-backup';

/** Somebody else may publish at the same moment; not over and over. */
const MAX_PUBLISHES = 5;

/** @throws as `restoreGeneration` */
export function restoreBackup(
  stores: BackupStores,
  backup: VerifiedBackup,
  request: RestoreRequest,
  reporting: Reporting,
): Promise<RestoreSummary> {
  return restoreGeneration(stores, fromBackup(backup), request, reporting);
}

/**
 * Brings back what a backup has. Of the live generation row by row, where one is missing, corrupt or older; another generation
 * is written beside the live one and published when it is complete. Interrupted at any moment, nothing that is served is worse
 * than before, and doing it again completes it.
 * @throws ForewarmError FW_BACKUP_OTHER_MODEL, FW_BACKUP_TOO_OLD, FW_BACKUP_INCOMPLETE, FW_GATE_REFUSED, FW_RESTORE_RUNNING, FW_REDIS_*,
 *   FW_BACKUP_CORRUPT when the file changes while it is read; the signal's reason when it is aborted
 */
export async function restoreGeneration(
  stores: BackupStores,
  source: RestoreSource,
  request: RestoreRequest,
  reporting: Reporting,
): Promise<RestoreSummary> {
  const { cache, redis } = stores;
  const beganMs = performance.now();
  checkFit(cache.model, source, request, reporting.now());
  const { name, facts } = source;
  const lease = { name, generation: facts.generation, by: request.by };
  return withLease(redis, cache.keys.restoring, lease, async (lost) => {
    const signal = AbortSignal.any([reporting.signal, lost]);
    const live = await cache.pointer();
    const mode = live?.generation === facts.generation ? 'live' : 'beside';
    if (mode === 'beside' && live !== undefined) checkComplete(source, request, live);
    const rows = new RowRestorer(stores, source, request);
    if (mode === 'beside' && !request.dryRun) await rows.begin();
    await rows.run({ ...reporting, signal });
    if (mode === 'beside' && live !== undefined && !request.dryRun) await passGates(stores, source, request, live);
    const published =
      mode === 'beside' && !request.dryRun ? await publish(stores, source, request, rows.counts, reporting) : undefined;
    return {
      ...{ model: cache.model, name, generation: facts.generation, mode, rows: source.rows },
      ...rows.counts,
      durable: rows.durable,
      replaced: published?.previous ?? null,
      published: published !== undefined,
      pinned: published?.pinnedOver !== undefined,
      dryRun: request.dryRun,
      durationMs: performance.now() - beganMs,
    };
  });
}

/** A generation that lacks rows does not take the place of one that has them. */
function checkComplete(source: RestoreSource, request: RestoreRequest, live: LivePointer): void {
  if (request.allowIncomplete) return;
  const lacking = request.categories.filter((category) => !source.has(category));
  if (lacking.length === 0) return;
  const some = `${lacking.length} of ${request.categories.length} rows, such as that of ${JSON.stringify(lacking[0])}`;
  const what = `${source.name} lacks ${some}, and generation ${live.generation} is live`;
  throw new ForewarmError('FW_BACKUP_INCOMPLETE', what);
}

/** The rows that were written, against those that are live. What refuses them leaves them beside the live ones. */
async function passGates(
  { cache }: BackupStores,
  { facts, name }: RestoreSource,
  { gates, categories, allowIncomplete }: RestoreRequest,
  live: LivePointer,
): Promise<void> {
  if (gates === undefined) return;
  const keeper = new GateKeeper(facts, gates);
  for await (const pairs of pairRows(cache, categories, facts, live)) {
    for (const { category, row, other } of pairs) {
      if (row !== undefined) keeper.add(category, row.values, other?.values);
      else if (!allowIncomplete) keeper.lacks(category);
    }
  }
  const report = keeper.report();
  if (report.passed) return;
  const worst = report.worst.map(worstText);
  throw new ForewarmError('FW_GATE_REFUSED', `${name} is not published: ${refusalText(report)}`, {
    details: { worst },
  });
}

async function publish(
  { cache, generations, rows: stored }: BackupStores,
  source: RestoreSource,
  request: RestoreRequest,
  counts: RowCounts,
  { now }: Reporting,
): Promise<LivePointer> {
  const { model } = cache;
  for (let attempt = 1; attempt <= MAX_PUBLISHES; attempt++) {
    const before = await cache.pointer();
    const pointer = pointerTo(source, request, before, now());
    const metadata = metadataOf(source, request, counts, now());
    if (!(await cache.publish(pointer, metadata, before?.generation))) continue;
    const { generation, previous } = pointer;
    // Postgres that is away is told by the next cycle.
    await generations.published(model, generation, previous, now(), pointer.pinnedOver ?? null).catch(() => undefined);
    const older = before?.previous ?? null;
    if (older !== null && older !== generation && older !== previous) {
      await cache.dropGeneration(older);
      await stored.removeGeneration(model, older).catch(() => undefined);
      await generations.dropped(model, older).catch(() => undefined);
    }
    return pointer;
  }
  throw new ForewarmError(
    'FW_REDIS_WRITE_FAILED',
    `${cache.keys.live} was changed by others each time that ${source.name} was to go live`,
  );
}

function pointerTo(
  { facts }: RestoreSource,
  { pinOver }: RestoreRequest,
  before: LivePointer | undefined,
  now: Date,
): LivePointer {
  const { generation, modelVersion, axes, outputs } = facts;
  // Somebody else may have published it just now: then it is not its own predecessor.
  const previous = before?.generation === generation ? before.previous : (before?.generation ?? null);
  return {
    format: 1,
    ...{ generation, previous, publishedAt: now.toISOString(), modelVersion },
    axes: axes.map(({ name, values }) => ({ name, values: [...values] })),
    outputs: [...outputs],
    ...(pinOver === null || pinOver === generation ? {} : { pinnedOver: pinOver }),
  };
}

/** The rows are as old as they were when they were backed up. */
function metadataOf(
  { facts, name, startedAt }: RestoreSource,
  request: RestoreRequest,
  counts: RowCounts,
  now: Date,
): Metadata {
  const expected = request.categories.length;
  const rows = counts.written + counts.kept;
  const asOf = facts.lastUpdated ?? facts.publishedAt ?? (startedAt ?? now).toISOString();
  return {
    last_updated: asOf,
    generation: facts.generation,
    cycle: `restore-${name}`,
    ...{ rows, expected, failed: 0, duration_s: 0 },
    state: rows >= expected ? 'complete' : 'degraded',
  };
}
