import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { ForewarmError } from '../errors';
import type { BackupTask, Figures, FromProcess, ToProcess } from './backup-task';
import type { RestoreSummary } from './restore-request';
import type { BackupProgress, TakenBackup } from './take-backup';

/** How long a process that is to stop may take to clean up behind itself. */
const STOP_MS = 3_000;

/** Rows come and go: a young generation of the usual size would grow to as much as all the rest. */
const HEAP = ['--max-semi-space-size=2', '--single-threaded-gc'];

export interface RunOptions {
  readonly onProgress: (progress: BackupProgress) => void;
  /** Aborted: the process leaves nothing behind, and the run rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Takes and restores backups, each in a process of its own that ends with it. */
export class BackupRunner {
  private readonly env: Readonly<Record<string, string | undefined>>;

  /** @param env of the processes */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.env = env;
  }

  /** @throws ForewarmError as `takeBackup`; FW_BACKUP_CRASHED */
  async take(
    task: Extract<BackupTask, { task: 'take' }>,
    options: RunOptions,
  ): Promise<{ readonly taken: readonly TakenBackup[]; readonly figures: Figures }> {
    const answer = await this.run(task, options);
    if (answer.says === 'taken') return answer;
    throw unexpected(answer);
  }

  /** @throws ForewarmError as `verifyBackup` and `restoreBackup`; FW_BACKUP_CRASHED */
  async restore(
    task: Extract<BackupTask, { task: 'restore' }>,
    options: RunOptions,
  ): Promise<{ readonly restored: RestoreSummary; readonly figures: Figures }> {
    const answer = await this.run(task, options);
    if (answer.says === 'restored') return answer;
    throw unexpected(answer);
  }

  private async run(task: BackupTask, { onProgress, signal }: RunOptions): Promise<FromProcess> {
    signal.throwIfAborted();
    const child = fork(join(__dirname, 'backup-process.js'), {
      serialization: 'advanced',
      env: { ...this.env, NODE_NO_WARNINGS: '1' },
      execArgv: HEAP,
    });
    if (task.task === 'take') makeWay(child);
    let kill: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      send(child, { task: 'abort' });
      kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    };
    signal.addEventListener('abort', onAbort);
    try {
      send(child, task);
      const answer = await answerOf(child, onProgress);
      if (answer.says === 'failed') throw ForewarmError.fromPlain(answer.error);
      if (answer.says === 'aborted') throw signal.reason;
      return answer;
    } finally {
      clearTimeout(kill);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/**
 * A backup has time: readers, and whatever else the machine has to do, come before it. Not the very lowest priority:
 * on a machine that is always busy it would hardly run. At once, so that the threads which it starts have it as well.
 */
function makeWay({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It is as quick as any other, then.
  }
}

/** What the process says last, once it is gone. */
function answerOf(child: ChildProcess, onProgress: RunOptions['onProgress']): Promise<FromProcess> {
  return new Promise((resolve, reject) => {
    let answer: FromProcess | undefined;
    child.on('message', (message: FromProcess) => {
      if (message.says === 'progress') onProgress(message.progress);
      else answer = message;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (answer !== undefined) return resolve(answer);
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(new ForewarmError('FW_BACKUP_CRASHED', `the process of the backup was ended ${how}`));
    });
  });
}

/** A process that is gone already says so by itself. */
function send(child: ChildProcess, message: ToProcess): void {
  if (child.connected) child.send(message, () => undefined);
}

function unexpected(answer: FromProcess): ForewarmError {
  return new ForewarmError('FW_INTERNAL', `the process of the backup answered ${answer.says}`);
}
