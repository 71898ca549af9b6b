import { KeySpace } from '#shared/cache/keys';
import { parseLivePointer } from '#shared/cache/pointer';
import { ROLES } from '#shared/config/types';
import { BareGrid } from './bare-grid';
import type { BenchDaemon } from './bench-daemon';
import { separateCores } from './cores';
import { type Deployment, MODEL } from './deployment';

import { httpPath } from './http-path';
import { bentocachePeers } from './peers/bentocache';
import { cacheManagerPeers } from './peers/cache-manager';
import { cacheablePeers } from './peers/cacheable';
import { peerPath } from './peers/peer';
import { predictorPaths } from './predictor-paths';
import { Questions } from './questions';
import { directInferencePath, rawRedisPath } from './raw-paths';
import { CONCURRENCIES, checkPath, type ReadPath } from './read-path';
import { median, quantile, rounded } from './statistics';
import { TimedReads } from './timed-reads';

export interface ReadOptions {
  readonly categories: number;
  readonly rounds: number;
  /** Told what is going on, line by line. */
  readonly say: (line: string) => void;
}

/** What one path did at one concurrency: medians of the rounds, quantiles of all calls. */
export interface ReadFigures {
  readonly path: string;
  /** Calls at a time. */
  readonly concurrency: number;
  /** Predictions per second. */
  readonly opsPerSecond: number;
  /** Of a call, which is 100 predictions of a path with `-many`. */
  readonly p50us: number;
  readonly p99us: number;
}

/** Medians of the rounds' ratios of predictions per second, one call at a time. */
export interface Ratios {
  readonly redisOverRaw: number;
  readonly memoryOverBestPeer: number;
  readonly redisOverBestPeer: number;
  readonly manyOverSingle: number;
}

export interface ReadResult extends Ratios {
  readonly suite: 'read';
  readonly categories: number;
  readonly results: readonly ReadFigures[];
}

const PEERS = ['bentocache', 'cache-manager', 'cacheable'];

/** One prediction, asked of everybody who could be asked for it, in turn. */
export async function readSuite(deployment: Deployment, options: ReadOptions): Promise<ReadResult> {
  const { categories, rounds, say } = options;
  deployment.configure({ kind: 'mlp', categories, refresh: 'always' });
  await deployment.daemon('scheduler,worker');
  await deployment.warm();
  await deployment.stopDaemons();
  const api = await startApi(deployment);
  if (api === undefined) say('http is left out: this build has no role `api`');
  const grid = await BareGrid.open(deployment.modelFile);
  const questions = await Questions.of(categories, grid);
  const paths: ReadPath[] = [
    ...(await ownPaths(deployment, questions)),
    ...(api === undefined ? [] : [httpPath(await api.url, questions) as ReadPath]),
    directInferencePath(grid, questions) as ReadPath,
    ...(await peerPaths(deployment.redisUrl, questions)),
  ];
  try {
    for (const path of paths) await checkPath(path, questions);
    say(await separateCores([deployment.redisPid, ...(api === undefined ? [] : [api.pid])]));
    const reads = inTurn(paths);
    for (const read of reads) await read.warmUp();
    for (let round = 1; round <= rounds; round++) {
      // There and back: what a path leaves behind does not always meet the same other one.
      for (const read of round % 2 === 1 ? reads : reads.toReversed()) await read.measure();
      say(`  round ${round} of ${rounds}: ${describe(reads)}`);
    }
    return { suite: 'read', categories, results: reads.map(figuresOf), ...ratiosOf(reads) };
  } finally {
    for (const path of paths) await path.close();
  }
}

/** In the order of a round: what is compared comes close together, those that read from Redis and those that do not. */
function inTurn(paths: readonly ReadPath[]): TimedReads[] {
  const order = [...paths].sort((a, b) => Number(b.name.includes('redis')) - Number(a.name.includes('redis')));
  return CONCURRENCIES.flatMap((at) =>
    order.flatMap((path) => (path.concurrencies.includes(at) ? [new TimedReads(path, at)] : [])),
  );
}

/** A daemon that answers by HTTP and does nothing else; `undefined` where there is no such role. */
async function startApi(deployment: Deployment): Promise<BenchDaemon | undefined> {
  return (ROLES as readonly string[]).includes('api') ? deployment.daemon('api') : undefined;
}

async function ownPaths({ redisUrl, redis }: Deployment, questions: Questions): Promise<ReadPath[]> {
  const { live } = new KeySpace('forewarm', MODEL);
  const pointer = parseLivePointer(await redis.get(live));
  if (pointer === undefined) throw new Error('nothing was published');
  const raw = await rawRedisPath(redisUrl, pointer.generation, questions);
  return [raw as ReadPath, ...predictorPaths(redisUrl, questions)];
}

async function peerPaths(redisUrl: string, questions: Questions): Promise<ReadPath[]> {
  const paths: ReadPath[] = [];
  for (const open of [bentocachePeers, cacheManagerPeers, cacheablePeers]) {
    for (const peer of await open(redisUrl)) paths.push((await peerPath(peer, questions)) as ReadPath);
  }
  return paths;
}

function figuresOf({ path, concurrency, rates, samples }: TimedReads): ReadFigures {
  return {
    ...{ path: path.name, concurrency, opsPerSecond: rounded(median(rates)) },
    ...{ p50us: rounded(median(samples)), p99us: rounded(quantile(samples, 0.99)) },
  };
}

function ratiosOf(reads: readonly TimedReads[]): Ratios {
  const rates = (name: string): readonly number[] =>
    reads.find(({ path, concurrency }) => path.name === name && concurrency === 1)?.rates ?? [];
  const over = (name: string, others: readonly string[]): number => {
    const ratios = rates(name).map((rate, round) => rate / Math.max(...others.map((o) => rates(o)[round] ?? 0)));
    return rounded(median(ratios));
  };
  return {
    redisOverRaw: over('predictor-redis', ['raw-redis']),
    memoryOverBestPeer: over(
      'predictor-memory',
      PEERS.map((peer) => `${peer}-memory`),
    ),
    redisOverBestPeer: over(
      'predictor-redis',
      PEERS.map((peer) => `${peer}-redis`),
    ),
    manyOverSingle: over('predictor-redis-many', ['predictor-redis']),
  };
}

/** The last figures of what the ratios are made of. */
function describe(reads: readonly TimedReads[]): string {
  return reads
    .filter(({ concurrency }) => concurrency === 1)
    .map(({ path, rates }) => `${path.name} ${Math.round(rates.at(-1) ?? 0).toLocaleString('en')}`)
    .join(', ');
}
