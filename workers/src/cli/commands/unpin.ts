import type { Command } from 'commander';
import { requestWarm } from '#jobs/on-demand';
import { ModelCache } from '#shared/cache/model-cache';
import { makePostgres } from '#shared/connections/postgres';
import { GenerationStore } from '#shared/store/generation-store';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { CONNECT_MS } from '../patience';
import { withQueue } from '../with-queue';
import { withRedis } from '../with-redis';

interface UnpinOptions {
  readonly model?: string;
}

export function addUnpin(program: Command): void {
  addFolder(program.command('unpin'))
    .description('let the model file be computed and published again, after a restore of another generation')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .action((options: UnpinOptions, command: Command) => run(new Invocation(command), options));
}

async function run(invocation: Invocation, options: UnpinOptions): Promise<void> {
  const config = invocation.configToLook();
  const model = chooseModel(config, options.model);
  const { url } = config.postgres;
  const pointer = await withRedis(config.redis.cacheUrl, (redis) =>
    new ModelCache(redis, config.keyPrefix, model.name).unpin(),
  );
  if (url !== undefined) {
    const pool = makePostgres({ ...config.postgres, url, connectTimeoutMs: CONNECT_MS, poolSize: 1 }, () => undefined);
    try {
      await new GenerationStore(pool).unpinned(model.name);
    } finally {
      await pool.end();
    }
  }
  const request = { model: model.name, categories: [], force: false };
  const job = await withQueue(config, ({ enqueue }) => requestWarm(enqueue, model, request, 'command'));
  const { generation, pinnedOver } = pointer;
  invocation.answer({ model: model.name, generation, pinnedOver, job }, () =>
    [
      `${model.name} is not pinned to ${generation} any more.`,
      `A cycle of the model file is asked for (job ${job}); its generation ${pinnedOver} is published when it is complete.`,
    ].join('\n'),
  );
}
