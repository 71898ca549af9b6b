import type { Command } from 'commander';
import { BackupFolder, type FolderList } from '#shared/backup/backup-folder';
import { parseName } from '#shared/backup/backup-names';
import type { BackupManifest } from '#shared/backup/documents';
import { approximateBytes } from '#shared/config/bytes';
import { formatElapsed } from '../../elapsed';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { tableLines } from '../table';
import { printable } from '../terminal-text';

interface BackupsOptions {
  readonly model?: string;
}

export function addBackups(program: Command): void {
  addFolder(program.command('backups'))
    .description('the backups in backup.folder, newest first')
    .option('--model <name>', 'of this model only')
    .action((options: BackupsOptions, command: Command) => run(new Invocation(command), options));
}

async function run(invocation: Invocation, { model }: BackupsOptions): Promise<void> {
  const config = invocation.configToLook();
  const folder = new BackupFolder(config.backup);
  const list = await folder.list(model === undefined ? undefined : chooseModel(config, model).name);
  const nowMs = Date.now();
  const backups = list.backups.map((backup) => ({
    name: parseName(backup.file)?.name ?? backup.file,
    ageMs: nowMs - Date.parse(backup.startedAt),
    ...backup,
  }));
  invocation.answer({ folder: folder.path, backups, others: list.others }, () =>
    [...lines(invocation, folder.path, list, nowMs), ...otherLines(invocation, list)].join('\n'),
  );
}

function lines(invocation: Invocation, folder: string, { backups }: FolderList, nowMs: number): string[] {
  if (backups.length === 0) {
    return [
      `There is no backup in ${folder}. Take one with \`forewarm backup --wait\`; one is taken each day (backup.schedule).`,
    ];
  }
  const { dim, yellow } = invocation.colours;
  const models = new Set(backups.map(({ model }) => model));
  const age = ({ startedAt }: BackupManifest): string => {
    const ms = nowMs - Date.parse(startedAt);
    return ms < 0 ? yellow('in the future') : formatElapsed(ms);
  };
  const rows = ({ rows, missing }: BackupManifest): string =>
    missing === 0 ? rows.toLocaleString('en') : yellow(`${rows.toLocaleString('en')}, ${missing} missing`);
  const table = tableLines(
    backups,
    [
      { head: 'backup', cell: ({ file }) => parseName(file)?.name ?? file },
      ...(models.size > 1 ? [{ head: 'model', cell: ({ model }: BackupManifest) => model, spare: 3 }] : []),
      { head: 'age', cell: age, right: true },
      { head: 'rows', cell: rows, right: true },
      { head: 'size', cell: ({ bytes }) => approximateBytes(bytes), right: true },
      {
        head: 'verified',
        cell: ({ verifiedAt }) => `${formatElapsed(nowMs - Date.parse(verifiedAt), 1)} ago`,
        right: true,
        spare: 2,
      },
      { head: 'was', cell: ({ scope }) => scope, spare: 1 },
    ],
    invocation,
  );
  return [...table, '', dim(`in ${folder}; bring one back with \`forewarm restore NAME\``)];
}

function otherLines({ colours }: Invocation, { others }: FolderList): string[] {
  if (others.length === 0) return [];
  return ['', colours.yellow('No good:'), ...others.map(({ name, why }) => `  ${printable(name)}: ${printable(why)}`)];
}
