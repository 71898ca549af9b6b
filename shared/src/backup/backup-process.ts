import { asForewarmError } from '../errors';
import { endWithParent } from '../parent-watch';
import type { BackupTask, Figures, FromProcess, ToProcess } from './backup-task';
import { restoreBackup } from './restore-backup';
import { withStores } from './stores';
import { type Reporting, takeBackup } from './take-backup';
import { verifyBackup } from './verified-backup';

/**
 * The program of the process that takes or restores one backup: apart from the daemon, whose loop has locks to renew.
 */

/** Between two words of progress. */
const PROGRESS_MS = 100;

const aborted = new AbortController();

async function run(task: BackupTask): Promise<FromProcess> {
  const { signal } = aborted;
  const reporting = { onProgress: throttled(), signal, now: () => new Date() };
  return task.task === 'take' ? take(task, reporting) : restore(task, reporting);
}

async function take(task: Extract<BackupTask, { task: 'take' }>, reporting: Reporting): Promise<FromProcess> {
  const taken = await withStores(task.targets, task.model, (stores) => takeBackup(stores, task.request, reporting));
  return { says: 'taken', taken, figures: figures() };
}

async function restore(task: Extract<BackupTask, { task: 'restore' }>, reporting: Reporting): Promise<FromProcess> {
  const { onProgress, signal } = reporting;
  const backup = await verifyBackup(task.path, {
    signal,
    onProgress: ({ bytesDone, bytes }) =>
      onProgress({ phase: 'verifying', generation: '', done: bytesDone, of: bytes }),
  });
  try {
    const restored = await withStores(task.targets, task.model, (stores) =>
      restoreBackup(stores, backup, task.request, reporting),
    );
    return { says: 'restored', restored, figures: figures() };
  } finally {
    await backup.close();
  }
}

function throttled(): Reporting['onProgress'] {
  let lastMs = 0;
  return (progress) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < PROGRESS_MS && progress.done < progress.of) return;
    lastMs = nowMs;
    say({ says: 'progress', progress });
  };
}

function figures(): Figures {
  return { peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}

function say(message: FromProcess): void {
  process.send?.(message);
}

process.title = 'forewarm backup';
// A terminal's Ctrl-C reaches the whole process group; the daemon decides when its processes end.
process.on('SIGINT', () => undefined);
endWithParent();

process.on('message', (message: ToProcess) => {
  if (message.task === 'abort') return aborted.abort();
  run(message)
    .catch((error: unknown): FromProcess => {
      if (aborted.signal.aborted) return { says: 'aborted' };
      return { says: 'failed', error: asForewarmError(error).toJSON() };
    })
    .then((answer) => {
      process.send?.(answer, () => process.disconnect());
    });
});
