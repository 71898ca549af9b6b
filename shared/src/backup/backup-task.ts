import type { PlainError } from '../errors';
import type { StoreTargets } from '../inference/protocol';
import type { RestoreRequest, RestoreSummary } from './restore-request';
import type { BackupProgress, TakenBackup, TakeRequest } from './take-backup';

/** What the daemon and the process of a backup say to each other. */

export interface TakeTask {
  readonly task: 'take';
  readonly targets: StoreTargets;
  readonly model: string;
  readonly request: TakeRequest;
}

export interface RestoreTask {
  readonly task: 'restore';
  readonly targets: StoreTargets;
  readonly model: string;
  /** Absolute path of the backup's file. */
  readonly path: string;
  readonly request: RestoreRequest;
}

export type BackupTask = TakeTask | RestoreTask;

/** To the process. */
export type ToProcess = BackupTask | { readonly task: 'abort' };

export interface Figures {
  /** The largest memory of the process, in bytes. */
  readonly peakRssBytes: number;
}

/** From the process. */
export type FromProcess =
  | { readonly says: 'progress'; readonly progress: BackupProgress }
  | { readonly says: 'taken'; readonly taken: readonly TakenBackup[]; readonly figures: Figures }
  | { readonly says: 'restored'; readonly restored: RestoreSummary; readonly figures: Figures }
  | { readonly says: 'failed'; readonly error: PlainError }
  | { readonly says: 'aborted' };
