import { Command, type CommanderError } from 'commander';
import { ForewarmError } from '#shared/errors';
import { version } from '#shared/version';
import { addAlerts } from './commands/alerts';
import { addBackup } from './commands/backup';
import { addBackups } from './commands/backups';
import { addCancel } from './commands/cancel';
import { addConfig } from './commands/config';
import { addCycles } from './commands/cycles';
import { addDiff } from './commands/diff';
import { addDoctor } from './commands/doctor';
import { addEnv } from './commands/env';
import { addGenerations } from './commands/generations';
import { addHelp } from './commands/help';
import { addJobs } from './commands/jobs';
import { addMigrate } from './commands/migrate';
import { addModel } from './commands/model';
import { addPredict } from './commands/predict';
import { addPublish } from './commands/publish';
import { addQueues } from './commands/queues';
import { addRestore } from './commands/restore';
import { addRetry } from './commands/retry';
import { addRollback } from './commands/rollback';
import { addSchedule } from './commands/schedule';
import { addShow } from './commands/show';
import { addStart } from './commands/start';
import { addStatus } from './commands/status';
import { addUnpin } from './commands/unpin';
import { addUp } from './commands/up';
import { addWarm } from './commands/warm';

const EXIT_HELP = `
Exit codes:
  0  ok
  1  something failed that should not
  2  wrong input or configuration
  3  a service cannot be reached
  4  not found
  5  refused, such as when it runs already

A command that is interrupted by Ctrl-C ends with 130.

Answers go to standard output, logs and errors to standard error.`;

/** The command line of the product. */
export function makeProgram(): Command {
  const program = new Command('forewarm')
    .description('Keeps every prediction an application will ask for already computed.')
    .version(version())
    .helpCommand(false)
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', EXIT_HELP)
    // Help is never an error, so neither is it where a command is missing.
    .configureOutput({ outputError: () => undefined, writeErr: (text) => process.stdout.write(text) });
  for (const add of [
    addUp,
    addStart,
    addPredict,
    addShow,
    addStatus,
    addCycles,
    addAlerts,
    addWarm,
    addSchedule,
    addRetry,
    addCancel,
    addBackup,
    addBackups,
    addRestore,
    addPublish,
    addGenerations,
    addDiff,
    addRollback,
    addUnpin,
    addQueues,
    addJobs,
    addDoctor,
    addConfig,
    addModel,
    addEnv,
    addMigrate,
  ])
    add(program);
  prepare(program);
  addHelp(program);
  return program;
}

/** A command in the list of its group. That it takes options goes without saying, and leaves their descriptions no room. */
function termOf(command: Command): string {
  return `${command.name()} ${command.usage().replace(/^\[options\] ?/, '')}`.trimEnd();
}

/** The common options work before and after the command's name, and each command reports its errors to the caller. */
function prepare(command: Command): void {
  command.exitOverride((error) => {
    throw usageError(error, command);
  });
  // A group that does something by itself, as `cycles` does, has options of its own.
  if (command.parent === null || command.commands.length === 0 || command.options.length > 0) {
    command
      .option('--config <file>', 'configuration file (default: FOREWARM_CONFIG or forewarm.yaml)')
      .option('--set <key=value>', 'set one setting, such as http.port=0; may be repeated', collect)
      .option('--json', 'answers and logs as JSON');
  }
  for (const child of command.commands) prepare(child.copyInheritedSettings(command).helpCommand(false));
}

function collect(pair: string, before: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=');
  if (at <= 0) throw new ForewarmError('FW_USAGE', `--set ${pair}: expected KEY=VALUE, such as http.port=0`);
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
}

/** What commander refuses, in the catalogue's terms; help and version, which are no errors, as they are. */
function usageError(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0 || error.code === 'commander.help') return error;
  const message = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?');
  return new ForewarmError('FW_USAGE', message, { next: `See ${nameOf(command)} --help.` });
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
