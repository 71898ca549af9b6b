import type { Command } from 'commander';
import { type BackupDiff, diffBackup } from '#shared/backup/diff-backup';
import { type VerifiedBackup, verifyBackup } from '#shared/backup/verified-backup';
import { ModelCache } from '#shared/cache/model-cache';
import { changeTable } from '../change-table';
import { findBackup } from '../find-backup';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { oneLine } from '../terminal-text';
import { barOf, withProgress } from '../with-progress';
import { withRedis } from '../with-redis';

interface DiffOptions {
  readonly model?: string;
}

export function addBackupDiff(backup: Command): void {
  addFolder(backup.command('diff'))
    .description('how what is live differs from a backup')
    .argument('<file>', 'a file, a name of `forewarm backups`, or latest')
    .option('--model <name>', 'the model; that of the backup when left out')
    .action((file: string, options: DiffOptions, command: Command) => run(new Invocation(command), file, options));
}

async function run(invocation: Invocation, file: string, options: DiffOptions): Promise<void> {
  const config = invocation.configOfRunning();
  const path = await findBackup(config, file, options.model);
  await withProgress(invocation, 'comparing', async ({ show, signal }) => {
    const backup = await verifyBackup(path, {
      signal,
      onProgress: ({ bytesDone, bytes }) =>
        show(barOf({ phase: 'verifying', generation: '', done: bytesDone, of: bytes })),
    });
    try {
      const model = chooseModel(config, options.model ?? backup.header.model).name;
      const diff = await withRedis(config.redis.cacheUrl, (redis) =>
        diffBackup(redis, new ModelCache(redis, config.keyPrefix, model), backup, { signal }),
      );
      invocation.answer({ model, name: backup.name, ...diff }, () => describe(invocation, model, backup, diff));
    } finally {
      await backup.close();
    }
  });
}

function describe(invocation: Invocation, model: string, backup: VerifiedBackup, diff: BackupDiff): string {
  const { colours } = invocation;
  const { same, recomputed, changed, onlyInBackup, onlyInCache, live, generation } = diff;
  const which =
    live === generation ? `generation ${live}, as the backup` : `generation ${live}; the backup is of ${generation}`;
  const named = (categories: readonly string[]): string =>
    categories.length === 0 ? '0' : `${categories.length}, such as ${oneLine(categories[0] ?? '')}`;
  const facts = [
    `live        ${which}`,
    `same        ${same} rows${recomputed === 0 ? '' : `, ${recomputed} of them computed again since`}`,
    `changed     ${changed === 0 ? '0' : colours.yellow(`${changed} rows`)}`,
    `gone        ${named(onlyInBackup)}`,
    `new         ${named(onlyInCache)}`,
  ].map((line) => `  ${line}`);
  return [`${model} against ${backup.name}`, ...facts, ...changeTable(diff.largest, backup.header, invocation)].join(
    '\n',
  );
}
