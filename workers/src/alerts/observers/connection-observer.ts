import type { Observation } from '#shared/alerts/judge';
import { maskUrl } from '#shared/config/secrets';
import type { Config } from '#shared/config/types';
import { isRefusal } from '#shared/connections/postgres';
import { sameRedisServer } from '#shared/connections/redis';
import { messageOf } from '#shared/errors';
import type { Connections } from '../../connections';
import type { QueueTrouble } from '../../queue-trouble';
import { badIf, type Observer, observation } from './observer';

/** Whether the stores can be reached from here. */
export class ConnectionObserver implements Observer {
  readonly name = 'the connections';
  private readonly config: Config;
  private readonly connections: Connections;
  private readonly trouble: QueueTrouble;
  private readonly postgresFailure: () => unknown;

  /** @param postgresFailure why PostgreSQL could not be asked for the alerts a moment ago; `undefined` where it could */
  constructor(config: Config, connections: Connections, trouble: QueueTrouble, postgresFailure: () => unknown) {
    this.config = config;
    this.connections = connections;
    this.trouble = trouble;
    this.postgresFailure = postgresFailure;
  }

  async observe(): Promise<readonly Observation[]> {
    const { queueUrl, cacheUrl } = this.config.redis;
    const { queue, cache } = await this.connections.states();
    const same = sameRedisServer(queueUrl, cacheUrl);
    const { refusal } = this.trouble;
    const failure = this.postgresFailure();
    const queueWell = queue === 'ready' && refusal === undefined;
    const says = queue === 'ready' ? `takes no writes: ${refusal}` : `does not answer (${queue})`;
    return [
      observation({
        condition: 'redis-queue-down',
        level: badIf(!queueWell),
        message: `the Redis of the queue${same ? ' and the cache' : ''} at ${maskUrl(queueUrl)} ${says}: no cycle can begin`,
        facts: { state: queue, refusal: refusal ?? null, cache: same },
      }),
      observation({
        condition: 'redis-cache-down',
        // One server is one trouble.
        level: badIf(cache !== 'ready' && !(same && !queueWell)),
        message: `the cache Redis at ${maskUrl(cacheUrl)} does not answer (${cache}): reads go on to Postgres or the model, and nothing is refreshed`,
        facts: { state: cache },
      }),
      observation({
        condition: 'postgres-down',
        // One that refuses is there: a daemon that starts has not made its tables yet.
        level: isRefusal((failure as { cause?: unknown } | undefined)?.cause)
          ? 'unknown'
          : badIf(failure !== undefined),
        message: `PostgreSQL does not answer: ${messageOf(failure)}; predictions are served and refreshed, their durable copy and the history are not`,
        facts: {},
      }),
    ];
  }
}
