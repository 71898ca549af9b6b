import type { Command } from 'commander';
import { findCycle } from '#jobs/cycle/find-cycle';
import { type Retry, retryOf } from '#jobs/cycle/retry-cycle';
import type { ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { withHistory } from '../with-postgres';
import { warmOnDemand } from './warm';

export function addRetry(program: Command): void {
  addFolder(program.command('retry'))
    .description('compute the rows of a cycle again that failed, and only those')
    .argument('<cycle>', 'id of a cycle that failed, wholly or in part, or how it begins')
    .option('--wait', 'wait for the end of the new cycle, with its progress; Ctrl-C stops the waiting, not the cycle')
    .action(async (cycle: string, options: { wait?: boolean }, command: Command) => {
      const invocation = new Invocation(command);
      const config = invocation.configOfRunning();
      const retry = await withHistory(config, async (history) => retryOf(history, await findCycle(history, cycle)));
      const model = chooseModel(config, retry.model);
      const request = { model: model.name, ...stillThere(model, retry), force: true };
      await warmOnDemand(invocation, config, model, request, { trigger: 'retry', wait: options.wait ?? false });
    });
}

/** Categories that left the configuration since have nothing to retry. */
function stillThere(model: ModelConfig, { categories }: Retry): { categories?: string[] } {
  if (categories === undefined) return {};
  const known = new Set(model.categories);
  const left = categories.filter((category) => known.has(category));
  if (left.length > 0) return { categories: left };
  throw new ForewarmError(
    'FW_NOTHING_TO_RETRY',
    `none of the categories that failed is in model ${model.name} any more`,
  );
}
