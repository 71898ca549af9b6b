import type { Command } from 'commander';
import { ModelCache } from '#shared/cache/model-cache';
import { type RollBack, rollBack } from '#shared/rollout/roll-back';
import { GenerationStore } from '#shared/store/generation-store';
import { formatElapsed } from '../../elapsed';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { withPostgres } from '../with-postgres';
import { withRedis } from '../with-redis';

interface RollbackOptions {
  readonly model?: string;
  readonly to?: string;
  readonly allowIncomplete?: boolean;
}

export function addRollback(program: Command): void {
  addFolder(program.command('rollback'))
    .description('go back to a generation that is kept, at once: only a pointer is written; needs no daemon')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--to <generation>', 'one of `forewarm generations`, or how its id begins; the one before when left out')
    .option('--allow-incomplete', 'also to a generation that lacks rows of the configured categories')
    .addHelpText('after', '\nThe model file stays away until `forewarm unpin`, or until it changes.')
    .action((options: RollbackOptions, command: Command) => run(new Invocation(command), options));
}

async function run(invocation: Invocation, options: RollbackOptions): Promise<void> {
  const config = invocation.configOfRunning();
  const model = chooseModel(config, options.model);
  // Loaded here and not above: every other command would wait for it too.
  const { specOfFile } = await import('../../model-probe.js');
  const spec = await specOfFile(config, model, invocation.environment);
  const request = {
    ...{ to: options.to, categories: model.categories, fileGeneration: spec?.generation },
    allowIncomplete: options.allowIncomplete ?? false,
  };
  const result = await withPostgres(config, 'what is known of generations lives in PostgreSQL', (pool) =>
    withRedis(config.redis.cacheUrl, (redis) =>
      rollBack(
        new ModelCache(redis, config.keyPrefix, model.name),
        new GenerationStore(pool),
        request,
        () => new Date(),
      ),
    ),
  );
  invocation.answer(result, () => describe(invocation, result));
}

function describe({ colours }: Invocation, result: RollBack): string {
  const { model, generation, replaced, modelVersion, pinned, rows, missing, computedAt } = result;
  const age = formatElapsed(Date.now() - Date.parse(computedAt));
  const lines = [
    `${colours.green('rolled back')} ${model}: generation ${generation} (model version ${modelVersion}) is live instead of ${replaced}`,
    `  ${rows} rows, the oldest computed ${age} ago${missing === 0 ? '' : colours.yellow(`; ${missing} rows are missing`)}`,
  ];
  if (pinned)
    lines.push(colours.yellow('  it is pinned: the model file stays away until `forewarm unpin`, or until it changes'));
  return lines.join('\n');
}
