import type { BackupConfig } from '../config/types';
import type { BackupManifest } from './documents';

/** What retention needs to know of a backup. */
export type Kept = Pick<BackupManifest, 'file' | 'sequence' | 'missing' | 'startedAt' | 'scope'>;

/**
 * The backups that may be deleted: those that are neither among the last ones, nor the newest of one of the last days or weeks
 * that have any, by UTC. Incomplete ones are counted apart, so that they never take a complete one's place; so are those of generations
 * that were not live any more, which come beside a live one.
 * @param backups of one model
 * @param isHeld whether a backup is needed at the moment, whatever its age
 */
export function expired<B extends Kept>(
  backups: readonly B[],
  keep: BackupConfig['keep'],
  isHeld: (backup: B) => boolean,
): B[] {
  const newestFirst = [...backups].sort((a, b) => b.sequence - a.sequence);
  const complete = newestFirst.filter(({ missing }) => missing === 0);
  const live = complete.filter(({ scope }) => scope === 'live');
  const kept = new Set<B>([
    ...live.slice(0, keep.last),
    ...newestOfEach(live, dayOf, keep.daily),
    ...newestOfEach(live, weekOf, keep.weekly),
    ...complete.filter(({ scope }) => scope === 'previous').slice(0, keep.last),
    ...newestFirst.filter(({ missing }) => missing > 0).slice(0, keep.last),
    // Of the first kinds there may be none.
    ...complete.slice(0, 1),
  ]);
  return newestFirst.filter((backup) => !kept.has(backup) && !isHeld(backup));
}

function newestOfEach<B extends Kept>(newestFirst: readonly B[], periodOf: (ms: number) => number, count: number): B[] {
  const periods = new Map<number, B>();
  for (const backup of newestFirst) {
    const period = periodOf(Date.parse(backup.startedAt));
    if (!periods.has(period)) periods.set(period, backup);
  }
  return [...periods.values()].slice(0, count);
}

const DAY_MS = 86_400_000;

/** Days since 1970. */
function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** Weeks from Monday to Sunday; 1970 began on a Thursday. */
function weekOf(ms: number): number {
  return Math.floor((dayOf(ms) + 3) / 7);
}
