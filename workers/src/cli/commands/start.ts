import { type Command, Option } from 'commander';
import { Daemon } from '../../daemon';
import { Invocation } from '../invocation';
import { aborted, runUntilSignal } from '../run-until-signal';

export function addStart(program: Command): void {
  program
    .command('start')
    .description('run the daemon against your own Redis and PostgreSQL, until it is told to stop')
    .addOption(new Option('--roles <list>', 'roles of this daemon, separated by commas: scheduler, worker'))
    .action(async (options: { roles?: string }, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.config(options.roles === undefined ? {} : { roles: options.roles });
      const log = invocation.logger(config);
      const daemon = new Daemon({ config, log, env: invocation.environment });
      await runUntilSignal(daemon, log, async (signal) => {
        log.info('forewarm is running', { roles: config.roles, models: config.models.map((model) => model.name) });
        await aborted(signal);
      });
      log.info('stopped');
    });
}
