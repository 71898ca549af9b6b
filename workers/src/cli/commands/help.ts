import type { Command } from 'commander';
import { ForewarmError } from '#shared/errors';

/** In place of commander's own, which takes an unknown command for none. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('display help for a command')
    .argument('[command...]', 'such as config check')
    .action((names: string[]) => {
      let shown = program;
      for (const name of names) {
        const found = shown.commands.find((command) => command.name() === name);
        if (found === undefined) {
          throw new ForewarmError('FW_USAGE', `unknown command '${names.join(' ')}'`, { next: 'See forewarm --help.' });
        }
        shown = found;
      }
      shown.outputHelp();
    });
}
