import type { Command } from 'commander';
import { type VerifiedBackup, verifyBackup } from '#shared/backup/verified-backup';
import { formatElapsed } from '../../elapsed';
import { findBackup } from '../find-backup';
import { addFolder, Invocation } from '../invocation';
import { barOf, withProgress } from '../with-progress';

interface VerifyOptions {
  readonly model?: string;
}

export function addBackupVerify(backup: Command): void {
  addFolder(backup.command('verify'))
    .description('read a backup and check every line and hash of it')
    .argument('<file>', 'a file, a name of `forewarm backups`, or latest')
    .option('--model <name>', 'of this model, for latest')
    .action((file: string, options: VerifyOptions, command: Command) => run(new Invocation(command), file, options));
}

async function run(invocation: Invocation, file: string, { model }: VerifyOptions): Promise<void> {
  const path = await findBackup(invocation.configToLook(), file, model);
  const backup = await withProgress(invocation, 'verifying', ({ show, signal }) =>
    verifyBackup(path, {
      signal,
      onProgress: ({ bytesDone, bytes }) => {
        show(barOf({ phase: 'verifying', generation: '', done: bytesDone, of: bytes }));
      },
    }),
  );
  await backup.close();
  const { header, trailer, manifest, missing } = backup;
  const ageMs = Date.now() - Date.parse(header.startedAt);
  invocation.answer({ path, header, trailer, manifest: manifest ?? null, missing, sha256: backup.tallied.sha256 }, () =>
    describe(invocation, backup, ageMs),
  );
}

function describe({ colours }: Invocation, { path, header, trailer, manifest }: VerifiedBackup, ageMs: number): string {
  const incomplete = trailer.missing === 0 ? '' : colours.yellow(`, ${trailer.missing} missing`);
  const by =
    manifest === undefined
      ? colours.yellow('by its own hash alone: there is no manifest beside it')
      : 'by its manifest, its own hash and its counts';
  const ago = ageMs < 0 ? 'in the future: a clock was set back' : `${formatElapsed(ageMs)} ago`;
  return [
    `${colours.green('good')} ${path}`,
    `  model       ${header.model}, version ${header.modelVersion}, generation ${header.generation}`,
    `  rows        ${trailer.rows.toLocaleString('en')}${incomplete}`,
    `  taken       ${header.startedAt}, ${ago}, by Forewarm ${header.version}`,
    `  verified    ${by}`,
  ].join('\n');
}
