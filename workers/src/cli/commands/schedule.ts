import type { Command } from 'commander';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { withQueue } from '../with-queue';

const MODEL_OPTION = ['--model <name>', 'the model; may be left out when only one is configured'] as const;

/** `pause` and `unpause`. */
export function addSchedule(program: Command): void {
  addFolder(program.command('pause'))
    .description("stop a model's scheduled cycles; warming on demand and the healing of missing rows go on")
    .option(...MODEL_OPTION)
    .action(async (options: { model?: string }, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const { name } = chooseModel(config, options.model);
      const { changed, since } = await withQueue(config, async ({ paused }) => ({
        changed: await paused.pause(name, new Date()),
        since: await paused.since(name),
      }));
      invocation.answer({ model: name, paused: since?.toISOString() ?? null, changed }, () =>
        changed
          ? `${name} is paused: no scheduled cycle begins until \`forewarm unpause\`.`
          : `${name} is paused already, since ${since?.toISOString()}.`,
      );
    });
  addFolder(program.command('unpause'))
    .description("let a model's scheduled cycles begin again, the next one when it is due")
    .option(...MODEL_OPTION)
    .action(async (options: { model?: string }, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configToLook();
      const { name } = chooseModel(config, options.model);
      const changed = await withQueue(config, ({ paused }) => paused.unpause(name));
      invocation.answer({ model: name, paused: null, changed }, () =>
        changed ? `${name} is scheduled again.` : `${name} was not paused.`,
      );
    });
}
