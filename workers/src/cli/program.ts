import { Command, type CommanderError } from 'commander';
import { ForewarmError } from '#shared/errors';
import { version } from '../version';
import { addConfig } from './commands/config';
import { addJobs } from './commands/jobs';
import { addMigrate } from './commands/migrate';
import { addPredict } from './commands/predict';
import { addStart } from './commands/start';
import { addStatus } from './commands/status';
import { addUp } from './commands/up';

const EXIT_HELP = `
Exit codes:
  0 ok | 1 something failed that should not | 2 wrong input or configuration | 3 a service cannot be reached
  4 not found | 5 refused, such as when it runs already

Answers go to standard output, logs and errors to standard error.`;

/** The command line of the product. */
export function makeProgram(): Command {
  const program = new Command('forewarm')
    .description('Keeps every prediction an application will ask for already computed.')
    .version(version())
    .option('--config <file>', 'configuration file (default: FOREWARM_CONFIG or forewarm.yaml)')
    .option('--set <key=value>', 'set one setting, such as --set http.port=0; may be repeated', collect)
    .option('--json', 'answers and logs as JSON')
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const add of [addUp, addStart, addPredict, addStatus, addJobs, addConfig, addMigrate]) add(program);
  allow(program);
  return program;
}

/** The common options work before and after the command's name, and each command reports its errors to the caller. */
function allow(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command).exitOverride();
    if (child.commands.length === 0) {
      child
        .option('--config <file>', 'configuration file')
        .option('--set <key=value>', 'set one setting; may be repeated', collect)
        .option('--json', 'answers and logs as JSON');
    }
    allow(child);
  }
}

function collect(pair: string, before: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=');
  if (at <= 0) throw new ForewarmError('FW_USAGE', `--set ${pair}: expected KEY=VALUE, such as http.port=0`);
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) };
}

/** What commander refuses, in the catalogue's terms; `undefined` for help and version, which are no errors. */
export function usageError(error: CommanderError): ForewarmError | undefined {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  return new ForewarmError('FW_USAGE', error.message.replace(/^error: /, ''));
}
