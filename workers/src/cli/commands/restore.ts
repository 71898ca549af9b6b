import { hostname } from 'node:os';
import type { Command } from 'commander';
import { restoreRequest } from '#jobs/backup/restore-request';
import { restoreBackup } from '#shared/backup/restore-backup';
import type { RestoreSummary } from '#shared/backup/restore-request';
import { withStores } from '#shared/backup/stores';
import type { BackupProgress } from '#shared/backup/take-backup';
import { type VerifiedBackup, verifyBackup } from '#shared/backup/verified-backup';
import { parseDuration } from '#shared/config/duration';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { requirePostgres } from '../../connections';
import { formatTook } from '../../elapsed';
import { findBackup } from '../find-backup';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { barOf, EXIT_INTERRUPTED, withProgress } from '../with-progress';

interface RestoreOptions {
  readonly model?: string;
  readonly dryRun?: boolean;
  readonly maxAge?: string;
  readonly overwrite?: boolean;
  readonly allowIncomplete?: boolean;
  readonly force?: boolean;
}

export function addRestore(program: Command): void {
  addFolder(program.command('restore'))
    .description('bring a backup back; needs no daemon, and may run beside one')
    .argument('<file>', 'a file, a name of `forewarm backups`, or latest')
    .option('--model <name>', 'the model; that of the backup when left out')
    .option('--dry-run', 'verify the backup and say what would be written')
    .option('--max-age <duration>', 'refuse a backup that is older, such as 2d')
    .option('--overwrite', 'write every row, also where one is that is whole and as new')
    .option('--allow-incomplete', 'let a backup that lacks rows take the place of a generation that has them')
    .option('--force', 'publish another generation also when a gate of the model refuses it')
    .addHelpText(
      'after',
      '\nRows of the live generation are written where they are missing, corrupt or older. Another generation is written beside\n' +
        'the live one, published when it is complete, and pinned: the model file stays away until `forewarm unpin`.',
    )
    .action((file: string, options: RestoreOptions, command: Command) => run(new Invocation(command), file, options));
}

async function run(invocation: Invocation, file: string, options: RestoreOptions): Promise<void> {
  const { dryRun = false, overwrite = false, allowIncomplete = false, force = false } = options;
  const maxAgeMs = options.maxAge === undefined ? undefined : durationOf(options.maxAge);
  const config = invocation.configOfRunning();
  const path = await findBackup(config, file, options.model);
  const by = `${hostname()}, forewarm restore`;
  const summary = await withProgress(invocation, 'restore', async ({ show, signal }) => {
    const onProgress = (progress: BackupProgress): void => show(barOf(progress));
    try {
      const backup = await verify(path, onProgress, signal);
      try {
        const model = modelOf(config, backup, options.model);
        // Loaded here and not above: every other command would wait for it too.
        const { specOfFile } = await import('../../model-probe.js');
        const spec = await specOfFile(config, model, invocation.environment);
        const request = restoreRequest(model, spec, {
          ...{ dryRun, overwrite, allowIncomplete, maxAgeMs, by },
          ...(force && { gates: undefined }),
        });
        const reporting = { onProgress, signal, now: () => new Date() };
        return await withStores(targetsOf(config), model.name, (stores) =>
          restoreBackup(stores, backup, request, reporting),
        );
      } finally {
        await backup.close();
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  });
  if (summary === undefined) answerInterrupted(invocation, file);
  else invocation.answer(summary, () => describe(invocation, summary));
}

function verify(path: string, onProgress: (progress: BackupProgress) => void, signal: AbortSignal) {
  return verifyBackup(path, {
    signal,
    onProgress: ({ bytesDone, bytes }) => {
      onProgress({ phase: 'verifying', generation: '', done: bytesDone, of: bytes });
    },
  });
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new ForewarmError('FW_USAGE', `--max-age ${text}: expected a duration, such as 12h or 2d`);
}

/** @throws ForewarmError FW_BACKUP_OTHER_MODEL when the configuration does not have the backup's model */
function modelOf(config: Config, { header, name }: VerifiedBackup, wanted: string | undefined): ModelConfig {
  if (wanted !== undefined) return chooseModel(config, wanted);
  const model = config.models.find((candidate) => candidate.name === header.model);
  if (model !== undefined) return model;
  const names = config.models.map((candidate) => candidate.name).join(', ');
  throw new ForewarmError('FW_BACKUP_OTHER_MODEL', `${name} is of model ${header.model}; configured are ${names}`);
}

function targetsOf(config: Config) {
  const { url, connectTimeoutMs, statementTimeoutMs } = requirePostgres(config);
  const postgres = { url, connectTimeoutMs, statementTimeoutMs };
  return { keyPrefix: config.keyPrefix, cacheUrl: config.redis.cacheUrl, postgres };
}

function answerInterrupted(invocation: Invocation, file: string): void {
  process.exitCode = EXIT_INTERRUPTED;
  const text = 'Interrupted. Nothing that is served is worse than before; the same command again completes it.';
  invocation.answer({ file, interrupted: true }, () => text);
}

function describe({ colours }: Invocation, summary: RestoreSummary): string {
  const { model, name, generation, mode, rows, kept, skipped, durable, dryRun, durationMs } = summary;
  const { absent, corrupt, older, written } = summary;
  const why = Object.entries({ missing: absent, corrupt, older }).filter(([, count]) => count > 0);
  const of = why.length === 0 ? '' : ` (${why.map(([what, count]) => `${count} ${what}`).join(', ')})`;
  const would = absent + corrupt + older;
  const count = dryRun ? `${would} rows would be written${of}` : `${written} rows written${of}`;
  const what = `${count}, ${kept} as good or better, of ${rows}`;
  const lines = [
    `${dryRun ? colours.yellow('dry run') : colours.green('restored')} ${model} from ${name}: ${what}; ${formatTook(durationMs)}`,
  ];
  if (skipped > 0) lines.push(`  ${skipped} rows are of categories that the configuration does not have: left out`);
  if (mode === 'live') lines.push(`  generation ${generation} is live, as before`);
  else if (dryRun) lines.push(`  generation ${generation} would become the live one`);
  else
    lines.push(
      `  generation ${generation} is live now${summary.replaced === null ? '' : ` instead of ${summary.replaced}`}`,
    );
  if (summary.pinned) {
    lines.push(colours.yellow('  it is pinned: the model file stays away until `forewarm unpin`, or until it changes'));
  }
  if (!durable && !dryRun)
    lines.push(colours.yellow('  PostgreSQL could not be reached: it does not have all rows yet'));
  return lines.join('\n');
}
