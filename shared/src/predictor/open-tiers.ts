import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { closeRedis, makeRedis, type RedisClient } from '../connections/redis';
import type { ModelFile } from '../tiers/model-source';
import type { SharedClaims } from '../tiers/model-tier';
import { RedisTier } from '../tiers/redis-tier';
import type { FoundRow, LiveGeneration, Tier } from '../tiers/tier';
import type { TierName } from '../tiers/tier-name';
import { within } from '../within';
import type { GuardedTier } from './guarded-tier';
import type { PredictorOptions } from './predictor-options';
import { TierBudget } from './tier-budget';
import { asSet } from './view-settings';

/** Defaults, in milliseconds. */
const LIMITS_MS = { redis: 50, postgres: 250, model: 2_000 };
const PROCESSES = 1;
/** How long the first calls wait for a connection that was never there yet. */
const FIRST_CONNECT_MS = 1_000;
/** What a task of the model may take before its process is killed; who asks for a row does not wait for so long. */
const TASK_LIMIT_MS = 60_000;
/** As many as the tier has statements under way. */
const POOL_SIZE = 2;
const CLOSE_MS = 2_000;

export interface OpenTiers {
  /** Those below memory, from the quickest to the last. */
  readonly tiers: readonly GuardedTier[];
  readonly redis: OpenRedis | undefined;
  /** Closes what was opened here, and no client that was given. */
  close(): Promise<void>;
}

interface OpenRedis {
  readonly client: RedisClient;
  readonly budget: TierBudget;
}

export type TierOptions = Pick<
  PredictorOptions,
  'redis' | 'postgres' | 'models' | 'limitsMs' | 'processes' | 'taskLimitMs'
> & {
  readonly keyPrefix: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onError: (error: Error, tier: TierName) => void;
  /** Whether rows may be written to the tiers. */
  readonly writeBack: boolean;
};

/** The tiers that the options name. */
export async function openTiers(options: TierOptions): Promise<OpenTiers> {
  const { redis: givenRedis, postgres, models = [] } = options;
  const expiry = new Map(models.map(({ name, expireAfterMs }) => [name, expireAfterMs]));
  const tiers: GuardedTier[] = [];
  const ends: (() => Promise<void>)[] = [];
  let redis: OpenRedis | undefined;
  if (givenRedis !== undefined) {
    redis = openRedis(options, givenRedis, ends);
    tiers.push(
      guarded(new RedisTier(redis.client, options.keyPrefix, (model) => expiry.get(model)), redis.budget, ends),
    );
    // After the tier, which hears why there is no connection.
    if (typeof givenRedis === 'string') await firstConnect(redis.client as Redis);
  }
  if (postgres !== undefined) {
    tiers.push(guarded(openPostgres(options, postgres, ends), new TierBudget(limitOf(options, 'postgres')), ends));
  }
  if (models.length > 0) {
    // Models have no server in common: one that is slow or broken says nothing of the others.
    const budgets = new Map(models.map(({ name }) => [name, new TierBudget(limitOf(options, 'model'))]));
    const other = new TierBudget(limitOf(options, 'model'));
    ends.push(async () => void [...budgets.values(), other].map((budget) => budget.close()));
    const tier = openModels(options, models, redis?.client, tiers[0]?.tier);
    tiers.push({ tier, budgetOf: (model) => budgets.get(model) ?? other });
  }
  return {
    tiers,
    redis,
    close: async () => {
      await Promise.all(tiers.map(({ tier }) => tier.close()));
      await Promise.all(ends.map((end) => end()));
    },
  };
}

function guarded(tier: Tier, budget: TierBudget, ends: (() => Promise<void>)[]): GuardedTier {
  ends.push(async () => budget.close());
  return { tier, budgetOf: () => budget };
}

function openRedis(options: TierOptions, given: string | RedisClient, ends: (() => Promise<void>)[]): OpenRedis {
  const limitMs = limitOf(options, 'redis');
  if (typeof given !== 'string') return { client: given, budget: new TierBudget(limitMs) };
  const client = makeRedis(given, 'reader', (error) => options.onError(error, 'redis'));
  ends.push(() => closeRedis(client));
  return { client, budget: new TierBudget(limitMs, reconnecting(client)) };
}

/** The code of a tier that is not wanted is not loaded: who reads from Redis alone has no use for a client of PostgreSQL. */
function openPostgres(
  options: TierOptions,
  given: NonNullable<TierOptions['postgres']>,
  ends: (() => Promise<void>)[],
): Tier {
  const { makePostgres } = require('../connections/postgres') as typeof import('../connections/postgres');
  const { PostgresTier } = require('../tiers/postgres-tier') as typeof import('../tiers/postgres-tier');
  const limitMs = limitOf(options, 'postgres');
  const settings = { keyPrefix: options.keyPrefix, limitMs };
  if (typeof given !== 'string') return new PostgresTier(given as Pool, settings);
  // The tier bounds its statements itself: a limit of the client does not know of an event loop that was held up.
  const limits = { connectTimeoutMs: limitMs, statementTimeoutMs: undefined, poolSize: POOL_SIZE };
  const pool = makePostgres({ url: given, ...limits }, (error) => options.onError(error, 'postgres'));
  ends.push(async () => void (await within(pool.end(), CLOSE_MS)));
  return new PostgresTier(pool, settings);
}

function openModels(
  options: TierOptions,
  models: readonly ModelFile[],
  redis: RedisClient | undefined,
  cache: Tier | undefined,
): Tier {
  const { ModelTier } = require('../tiers/model-tier') as typeof import('../tiers/model-tier');
  const { keyPrefix, processes = PROCESSES, taskLimitMs = TASK_LIMIT_MS, env, onError, writeBack } = options;
  // The keys of a row and of its flight lie on different servers of a cluster.
  const shared = redis === undefined || redis.isCluster || !writeBack ? undefined : claimsOn(redis as Redis);
  return new ModelTier({
    ...{ models, keyPrefix, processes, env, shared },
    database: options.postgres as string | Pool | undefined,
    limitMs: taskLimitMs,
    onError: (error) => onError(error, 'model'),
  });

  function claimsOn(client: Redis): SharedClaims {
    const warmed = new Map(models.map(({ name, categories = [] }) => [name, asSet(categories)]));
    const publish = async (live: LiveGeneration, rows: readonly FoundRow[]): Promise<void> => {
      // Of what was only asked for, nothing goes into the cache.
      const known = rows.filter(({ category }) => warmed.get(live.model)?.has(category));
      if (known.length > 0) await cache?.fill?.(live, known, []);
    };
    return { redis: client, lifeMs: limitOf(options, 'model'), publish };
  }
}

function limitOf({ limitsMs }: TierOptions, tier: keyof typeof LIMITS_MS): number {
  return limitsMs?.[tier] ?? LIMITS_MS[tier];
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
