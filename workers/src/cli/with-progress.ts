import type { BackupProgress } from '#shared/backup/take-backup';
import type { Invocation } from './invocation';
import { type Progress, ProgressBar } from './progress-bar';

export interface Working {
  readonly show: (progress: Progress) => void;
  /** Aborted by Ctrl-C, which is the work's own then. */
  readonly signal: AbortSignal;
}

/** Does some work with a bar on the terminal, where there is one and the answer is not for a program. */
export async function withProgress<T>(
  invocation: Invocation,
  label: string,
  work: (working: Working) => Promise<T>,
): Promise<T> {
  const shown = process.stderr.isTTY && !invocation.json;
  const bar = shown ? new ProgressBar(label, process.stderr, () => performance.now()) : undefined;
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await work({ show: (progress) => bar?.show(progress), signal: interrupted.signal });
  } finally {
    bar?.stop();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** 128 + SIGINT, as shells have it. */
export const EXIT_INTERRUPTED = 130;

export function barOf({ phase, done, of }: BackupProgress): Progress {
  return { part: phase.padEnd('restoring'.length), done, of, unit: phase === 'verifying' ? 'bytes' : 'rows' };
}
