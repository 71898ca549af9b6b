import { type Command, Option } from 'commander';
import type { Config } from '#shared/config/types';
import { sameRedisServer } from '#shared/connections/redis';
import { withQueriedCategories } from '#shared/features/query-categories';
import { type Service, ServiceGroup } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import type { Daemon } from '../../daemon';
import { Invocation } from '../invocation';
import { aborted, runUntilSignal } from '../run-until-signal';

/** Predictions may be evicted, jobs must not be: no one server can be set up for both. */
function warnOfOneRedis({ redis }: Config, log: Logger): void {
  if (!sameRedisServer(redis.cacheUrl, redis.queueUrl)) return;
  const next = 'Set redis.queue (FOREWARM_QUEUE_REDIS_URL) to a Redis that persists and does not evict.';
  log.warn('one Redis serves the cache and the queue, which is for development', { next });
}

export function addStart(program: Command): void {
  program
    .command('start')
    .description('run the daemon against your own Redis and PostgreSQL, until it is told to stop')
    .addOption(
      new Option('--roles <list>', 'roles of this daemon, separated by commas: scheduler, worker, dashboard, api'),
    )
    .action(async (options: { roles?: string }, command: Command) => {
      const invocation = new Invocation(command);
      const given = invocation.config(options.roles === undefined ? {} : { roles: options.roles }, {}, 'ask later');
      // Loaded here and not above: every other command would wait for it too.
      const [{ Daemon }, { requirePostgres }, { ModelsTrial }, { startsWithoutFile }] = await Promise.all([
        import('../../daemon.js'),
        import('../../connections.js'),
        import('../../models-trial.js'),
        import('../../models-check.js'),
      ]);
      requirePostgres(given);
      const config = await withQueriedCategories(given);
      const log = invocation.logger(config);
      let running: Daemon | undefined;
      const daemon: Service = {
        name: 'daemon',
        start: () => {
          // Not before the models are known to be good: its queues are written to from their construction on.
          const made = new Daemon({ config, log, env: invocation.environment });
          running = made;
          return made.start();
        },
        stop: async () => running?.stop(),
      };
      const service = new ServiceGroup('start', [
        new ModelsTrial(config, invocation.environment, {
          mayBeMissing: startsWithoutFile,
          sourcesMayFail: true,
        }),
        daemon,
      ]);
      await runUntilSignal(service, log, async (signal) => {
        warnOfOneRedis(config, log);
        log.info('forewarm is running', { roles: config.roles, models: config.models.map((model) => model.name) });
        await aborted(signal);
      });
      log.info('stopped');
    });
}
