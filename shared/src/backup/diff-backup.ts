import type { Redis } from 'ioredis';
import { compareRows, type RowChange } from '../cache/compare-rows';
import type { ModelCache } from '../cache/model-cache';
import { RowView } from '../cache/row';
import { readRows } from '../cache/row-reader';
import { ForewarmError } from '../errors';
import { rowFrame } from '../model/spec';
import type { PassOptions } from './backup-pass';
import type { VerifiedBackup } from './verified-backup';

export interface BackupDiff {
  /** What is live now. */
  readonly live: string;
  /** What was backed up. */
  readonly generation: string;
  /** Rows with the same values; of those, computed again since. */
  readonly same: number;
  readonly recomputed: number;
  readonly changed: number;
  /** Rows that the cache does not have, or not whole. */
  readonly onlyInBackup: readonly string[];
  readonly onlyInCache: readonly string[];
  /** The rows that changed most, the largest change first. */
  readonly largest: readonly RowChange[];
}

/** Rows that are named. */
const MOST_SHOWN = 10;

/**
 * How what is live differs from a backup, whatever generation either is of.
 * @throws ForewarmError FW_NOT_WARMED, FW_BACKUP_OTHER_MODEL when the rows have another shape, FW_REDIS_UNAVAILABLE
 */
export async function diffBackup(
  redis: Redis,
  cache: ModelCache,
  backup: VerifiedBackup,
  options: PassOptions = {},
): Promise<BackupDiff> {
  const pointer = await cache.pointer();
  if (pointer === undefined) throw new ForewarmError('FW_NOT_WARMED', `nothing is published for model ${cache.model}`);
  const { header } = backup;
  if (JSON.stringify([pointer.axes, pointer.outputs]) !== JSON.stringify([header.axes, header.outputs])) {
    throw new ForewarmError('FW_BACKUP_OTHER_MODEL', `${backup.name} has other axes or outputs than what is live`);
  }
  const { generation: live } = pointer;
  const frame = rowFrame({ ...pointer, identity: live.padEnd(16, '0') });
  let [same, recomputed, changed] = [0, 0, 0];
  const onlyInBackup: string[] = [];
  let largest: RowChange[] = [];
  for await (const rows of backup.rows(options)) {
    const categories = rows.map(({ category }) => category);
    // The first 6 bytes of the identity are known of whatever is live, and the checksum speaks for the rest.
    const cached = await readRows(redis, cache.keys, categories, {
      generation: live,
      frame: { ...frame, identity: frame.identity.subarray(0, 6) },
      inputs: false,
    });
    for (const { category, bytes, computedAtMs } of rows) {
      const there = cached.get(category);
      if (there?.whole !== true) {
        onlyInBackup.push(category);
        continue;
      }
      const change = compareRows(category, new RowView(bytes).values, new RowView(there.bytes).values);
      if (change.changed > 0) changed += 1;
      else same += 1;
      if (change.changed === 0 && there.computedAtMs > computedAtMs) recomputed += 1;
      if (change.changed > 0) largest.push(change);
    }
    largest = largest.sort((a, b) => b.largest - a.largest).slice(0, MOST_SHOWN);
  }
  const onlyInCache: string[] = [];
  for await (const part of cache.walkIndex(live)) {
    onlyInCache.push(...part.filter((category) => !backup.categories.has(category)));
  }
  return { live, generation: header.generation, same, recomputed, changed, onlyInBackup, onlyInCache, largest };
}
