import type { Redis } from 'ioredis';
import { closeRedis, makeRedis, type RedisClient } from '../connections/redis';
import type { TierName } from './answers';
import type { GuardedTier } from './live-views';
import type { PredictorOptions } from './predictor-options';
import { RedisTier } from './redis-tier';
import { TierBudget } from './tier-budget';

/** Defaults, in milliseconds. */
const LIMITS_MS = { redis: 50, postgres: 250, model: 2_000 };
/** How long the first calls wait for a connection that was never there yet. */
const FIRST_CONNECT_MS = 1_000;

export interface OpenTiers {
  /** Those below memory, from the quickest to the last. */
  readonly tiers: readonly GuardedTier[];
  readonly redis: { readonly client: RedisClient; readonly budget: TierBudget } | undefined;
  /** Closes what was opened here, and no client that was given. */
  close(): Promise<void>;
}

export type TierOptions = Pick<PredictorOptions, 'redis' | 'postgres' | 'models' | 'limitsMs' | 'processes' | 'env'> & {
  readonly keyPrefix: string;
  readonly onError: (error: Error, tier: TierName) => void;
};

/**
 * The tiers that the options name. Code that a tier alone needs is loaded here and not before: who reads from Redis loads no
 * client of PostgreSQL.
 */
export async function openTiers(options: TierOptions): Promise<OpenTiers> {
  const tiers: GuardedTier[] = [];
  const owned: (() => Promise<void>)[] = [];
  const redis = options.redis === undefined ? undefined : await openRedis(options, options.redis, owned);
  if (redis !== undefined) tiers.push(redis.guarded);
  return {
    tiers,
    redis: redis && { client: redis.client, budget: redis.guarded.budget },
    close: async () => {
      for (const { budget } of tiers) budget.close();
      await Promise.all(tiers.map(({ tier }) => tier.close()));
      await Promise.all(owned.map((close) => close()));
    },
  };
}

async function openRedis(
  { keyPrefix, limitsMs, onError }: TierOptions,
  given: string | RedisClient,
  owned: (() => Promise<void>)[],
): Promise<{ readonly client: RedisClient; readonly guarded: GuardedTier }> {
  const limitMs = limitsMs?.redis ?? LIMITS_MS.redis;
  const guarded = (client: RedisClient, budget: TierBudget): GuardedTier => ({
    tier: new RedisTier(client, keyPrefix),
    budget,
  });
  if (typeof given !== 'string') return { client: given, guarded: guarded(given, new TierBudget(limitMs)) };
  const client = makeRedis(given, 'reader', (error) => onError(error, 'redis'));
  owned.push(() => closeRedis(client));
  await firstConnect(client);
  return { client, guarded: guarded(client, new TierBudget(limitMs, reconnecting(client))) };
}

/** One that is away is no reason to wait: the tiers below answer. */
async function firstConnect(client: Redis): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      client.off('ready', settle).off('close', settle);
      resolve();
    };
    const timer = setTimeout(settle, FIRST_CONNECT_MS);
    client.on('ready', settle).on('close', settle);
    client.connect().catch(() => undefined);
  });
}

/** Failures of a connection that is being made, until it is given up too. */
const PATIENCE = 4;

/**
 * A connection on which nothing comes any more looks well for as long as the system goes on sending. When Redis begins to rest,
 * the connection is made anew.
 */
function reconnecting(client: Redis): () => void {
  let stuck = 0;
  return () => {
    if (client.status === 'ready' || (client.status === 'connect' && ++stuck >= PATIENCE)) {
      stuck = 0;
      client.disconnect(true);
    }
  };
}
