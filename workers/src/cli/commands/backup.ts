import { type Command, Option } from 'commander';
import { requestBackup } from '#jobs/backup/request-backup';
import type { BackupSummary } from '#jobs/definitions/backup';
import type { BackupManifest } from '#shared/backup/documents';
import type { BackupProgress } from '#shared/backup/take-backup';
import { approximateBytes } from '#shared/config/bytes';
import { formatTook } from '../../elapsed';
import { followJob } from '../../follow-job';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { barOf, EXIT_INTERRUPTED, withProgress } from '../with-progress';
import { withQueue } from '../with-queue';
import { addBackupDiff } from './backup-diff';
import { addBackupVerify } from './backup-verify';

interface BackupOptions {
  readonly model?: string;
  readonly generation: 'live' | 'all';
  readonly wait?: boolean;
}

interface Asked {
  readonly model: string;
  readonly job: string;
}

export function addBackup(program: Command): void {
  const backup = addFolder(program.command('backup'))
    .description(
      'write what is live to a file now, verified; a daemon does the work. See also backup verify, backup diff',
    )
    .option('--model <name>', 'the model; all of them when left out')
    .addOption(
      new Option('--generation <which>', 'the live generation, or also the one before it')
        .choices(['live', 'all'])
        .default('live'),
    )
    .option('--wait', 'wait for the end, with its progress; Ctrl-C stops the waiting, not the backup')
    .action((options: BackupOptions, command: Command) => run(new Invocation(command), options));
  addBackupVerify(backup);
  addBackupDiff(backup);
}

async function run(invocation: Invocation, { model, generation, wait = false }: BackupOptions): Promise<void> {
  const config = invocation.configToLook();
  const models = model === undefined ? config.models.map(({ name }) => name) : [chooseModel(config, model).name];
  await withQueue(config, async ({ enqueue }) => {
    const asked: Asked[] = [];
    for (const name of models) {
      asked.push({ model: name, job: await requestBackup(enqueue, { model: name, generation }, 'command') });
    }
    if (!wait) {
      const schedulers = await enqueue.queue('backup').getWorkersCount();
      return answerAsked(invocation, asked, schedulers);
    }
    for (const one of asked) {
      const summary = await withProgress(invocation, one.model, ({ show, signal }) =>
        followJob<BackupSummary, BackupProgress>(
          enqueue,
          'backup',
          one.job,
          (progress) => show('waits' in progress ? progress : barOf(progress.at)),
          signal,
        ).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        }),
      );
      if (summary === undefined) return answerInterrupted(invocation, one);
      answerEnd(invocation, one.model, summary);
    }
  });
}

function answerAsked(invocation: Invocation, asked: readonly Asked[], schedulers: number): void {
  invocation.answer({ asked, schedulers }, () => {
    const lines = asked.map(({ model, job }) => `A backup of ${model} is asked for (job ${job}).`);
    const nobody = 'No daemon with the role scheduler is running: it waits in the queue until one does.';
    const more =
      schedulers > 0 ? 'See `forewarm backups`, or follow it with --wait.' : invocation.colours.yellow(nobody);
    return [...lines, more].join('\n');
  });
}

function answerInterrupted(invocation: Invocation, { model, job }: Asked): void {
  process.exitCode = EXIT_INTERRUPTED;
  const text = `No longer waiting. The backup of ${model} goes on (job ${job}): \`forewarm backups\` shows it when it is done.`;
  invocation.answer({ model, job, interrupted: true }, () => text);
}

function answerEnd(invocation: Invocation, model: string, { files, deleted, durationMs }: BackupSummary): void {
  const { green, red } = invocation.colours;
  invocation.answer({ model, files, deleted, durationMs }, () => {
    const line = ({ file, rows, missing, predictions, bytes }: BackupManifest): string => {
      const state = missing === 0 ? green('complete') : red(`incomplete, ${missing} rows are missing`);
      const what = `${rows.toLocaleString('en')} rows, ${predictions.toLocaleString('en')} predictions`;
      return `${state} ${model}: ${what}, verified in ${formatTook(durationMs)}, ${approximateBytes(bytes)}\n  ${file}`;
    };
    const gone = deleted.length === 0 ? [] : [`Old ones deleted: ${deleted.length}.`];
    return [...files.map(line), ...gone].join('\n');
  });
  if (files.some(({ missing }) => missing > 0)) process.exitCode = 1;
}
