import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Config } from '#shared/config/types';
import { makePostgres } from '#shared/connections/postgres';
import { closeRedis, connectRedis, makeRedis, type RedisKind } from '#shared/connections/redis';
import { ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import type { RepeatedErrors } from '#shared/repeated-errors';
import { within } from '#shared/within';
import { answersOnly } from './roles';

const ATTEMPT_MS = 3_000;
const PAUSE_MS = 500;
const CLOSE_MS = 2_000;
/** Enough for a Redis that is there. */
const MOMENT_MS = 1_000;
/** Longer than what is written meanwhile on the same connection holds an answer up. */
const SILENT_MS = 2_000;

/**
 * The daemon's connections. Its start waits for Redis as long as it takes, and says so; that of a daemon which only answers
 * waits a moment and goes on without.
 */
export class Connections implements Service {
  readonly name = 'connections';
  /** For adding jobs and reading queues: fails at once while Redis is away. */
  readonly queue: Redis;
  /** For queue workers, which wait. */
  readonly queueWorkers: Redis;
  readonly cache: Redis;
  readonly subscriber: Redis;
  readonly postgres: Pool;
  private readonly errors: RepeatedErrors;
  private readonly stopping = new AbortController();
  private readonly waits: boolean;

  /** @throws ForewarmError FW_CONFIG_INVALID when no PostgreSQL is configured */
  constructor(config: Config, errors: RepeatedErrors) {
    this.errors = errors;
    this.waits = !answersOnly(config);
    const redis = (role: string, url: string, kind: RedisKind): Redis =>
      makeRedis(url, kind, (error) => errors.report(`connection to Redis (${role})`, error));
    this.queue = redis('queue', config.redis.queueUrl, 'prompt');
    this.queueWorkers = redis('queue', config.redis.queueUrl, 'worker');
    this.cache = redis('cache', config.redis.cacheUrl, 'writer');
    this.subscriber = redis('cache', config.redis.cacheUrl, 'worker');
    this.postgres = makePostgres(requirePostgres(config), (error) => errors.report('connection to PostgreSQL', error));
  }

  async start(): Promise<void> {
    const connected = [
      this.untilConnected(this.queue, 'Redis (queue)'),
      this.untilConnected(this.cache, 'Redis (cache)'),
    ];
    if (!this.waits) {
      await within(Promise.all(connected), MOMENT_MS);
      return;
    }
    await Promise.all([
      ...connected,
      this.untilConnected(this.queueWorkers, 'Redis (queue)'),
      this.untilConnected(this.subscriber, 'Redis (cache)'),
    ]);
  }

  /**
   * How the connections to the two Redis are: `ready`, or what else. A server that is stopped, or a network that swallows
   * everything, leaves a connection open that looks well: only an answer tells.
   */
  async states(): Promise<{ readonly queue: string; readonly cache: string }> {
    const [queue, cache] = await Promise.all([stateOf(this.queue), stateOf(this.cache)]);
    return { queue, cache };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.queue, this.queueWorkers, this.cache, this.subscriber].map(closeRedis));
    await within(this.postgres.end(), CLOSE_MS);
  }

  private async untilConnected(client: Redis, role: string): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await connectRedis(client, role, ATTEMPT_MS);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.errors.report(`waiting for ${role}`, error);
        await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

async function stateOf(client: Redis): Promise<string> {
  if (client.status !== 'ready') return client.status;
  let answered = false;
  const ping = client.ping().then(() => {
    answered = true;
  });
  await within(ping, SILENT_MS);
  return client.status === 'ready' && !answered ? 'silent' : client.status;
}

/** @throws ForewarmError FW_CONFIG_INVALID when `postgres.url` is not set */
export function requirePostgres(config: Config): Config['postgres'] & { readonly url: string } {
  const { url } = config.postgres;
  if (url !== undefined) return { ...config.postgres, url };
  throw new ForewarmError(
    'FW_CONFIG_INVALID',
    'postgres.url is not set: the durable copy of the rows and the run history live in PostgreSQL',
    { next: 'Set FOREWARM_POSTGRES_URL or postgres.url, or run `forewarm up`, which brings its own.' },
  );
}
