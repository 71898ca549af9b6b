import type { BackupTrigger } from '../definitions/backup';
import type { Enqueuer } from '../enqueue';

/**
 * Asks for a backup and returns the id of its job. One that asks the same and still waits or runs is enough.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export function requestBackup(
  enqueue: Enqueuer,
  { model, generation }: { readonly model: string; readonly generation: 'live' | 'all' },
  trigger: BackupTrigger,
): Promise<string> {
  const key = `backup-${model}-${generation}-${trigger}`;
  return enqueue.add('backup', { model, generation, trigger }, { key, ifRunning: 'share' });
}
