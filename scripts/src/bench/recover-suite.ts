import { setTimeout as delay } from 'node:timers/promises';
import { ROLES } from '#shared/config/types';
import { Coverage } from './coverage';
import type { Deployment } from './deployment';
import type { PhaseFigures } from './phase-tally';
import { rounded } from './statistics';
import { SteadyLoad } from './steady-load';

export interface RecoverOptions {
  readonly categories: number;
  /** In a second. */
  readonly reads: number;
  /** Told what is going on, line by line. */
  readonly say: (line: string) => void;
  /** Ends the suite. */
  readonly signal: AbortSignal;
}

export interface RecoverFigures {
  readonly suite: 'recover';
  readonly categories: number;
  readonly readsPerSecond: number;
  readonly reads: number;
  readonly failedReads: number;
  readonly wrongReads: number;
  /** What a call of the library may take at most. */
  readonly deadlineMs: number;
  readonly phases: readonly PhaseFigures[];
  /** From `FLUSHALL` until every row, and the pointer to them, were there again; `null` when they were not in time. */
  readonly secondsToFullCoverage: number | null;
}

/** The default of the library. */
const DEADLINE_MS = 5_000;
/** For connections to be made, and for what runs often to be compiled. */
const START_MS = 3_000;
const STEADY_MS = 5_000;
/** For how long a killed server is down. */
const DOWN_MS = 2_000;
const FROZEN_MS = 5_000;
/** What a phase goes on for when all is well again. */
const SETTLE_MS = 2_000;
const COVERAGE_LIMIT_MS = 60_000;
const FLUSHED = 'flushed';

/** Readers at a steady rate, while what they read from is emptied, killed and frozen. */
export async function recoverSuite(deployment: Deployment, options: RecoverOptions): Promise<RecoverFigures> {
  const { categories, reads, say, signal } = options;
  const load = await begin(deployment, options);
  try {
    await delay(START_MS, undefined, { signal });
    say('steady …');
    await load.phase('steady');
    await delay(STEADY_MS, undefined, { signal });
    const coverage = await Coverage.of(deployment.redis, categories);
    let afterFlush: number | undefined;
    for (const [phase, strike] of faultsOf(deployment, signal)) {
      say(`${phase} …`);
      await load.phase(phase);
      await strike();
      const seconds = await coverage.full(COVERAGE_LIMIT_MS, signal);
      if (phase === FLUSHED) afterFlush = seconds;
      say(seconds === undefined ? '  not all rows came back' : `  every row was there ${seconds.toFixed(2)} s later`);
      await delay(SETTLE_MS, undefined, { signal });
    }
    say('recovered …');
    await load.phase('recovered');
    await delay(STEADY_MS, undefined, { signal });
    const phases = await load.end();
    const sum = (what: 'reads' | 'failedReads' | 'wrongReads'): number =>
      phases.reduce((all, phase) => all + phase[what], 0);
    return {
      ...{ suite: 'recover', categories, readsPerSecond: reads, deadlineMs: DEADLINE_MS },
      ...{ reads: sum('reads'), failedReads: sum('failedReads'), wrongReads: sum('wrongReads'), phases },
      secondsToFullCoverage: afterFlush === undefined ? null : rounded(afterFlush),
    };
  } finally {
    await load.stop();
  }
}

/** A daemon with all that is needed, a grid that is warm, and readers of it. */
async function begin(deployment: Deployment, { categories, reads, say }: RecoverOptions): Promise<SteadyLoad> {
  deployment.configure({ kind: 'mlp', categories, refresh: 'always' });
  const api = (ROLES as readonly string[]).includes('api');
  if (!api) say('all reads are by the library: this build has no role `api`');
  const daemon = await deployment.daemon(api ? 'scheduler,worker,api' : 'scheduler,worker');
  await deployment.warm();
  const { redisUrl, postgresUrl, modelFile } = deployment;
  const httpUrl = api ? await daemon.url : undefined;
  say('starting …');
  const task = { redisUrl, postgresUrl, httpUrl, modelFile, categories, readsPerSecond: reads };
  return SteadyLoad.start(task, 'starting');
}

/** What is done to the servers, in turn. Each is over when they are as they were; what was in them may be gone. */
function faultsOf(
  { redis: client, servers: { redis, postgres } }: Deployment,
  signal: AbortSignal,
): readonly (readonly [phase: string, strike: () => Promise<void>])[] {
  const frozen = async (...servers: readonly Freezable[]): Promise<void> => {
    for (const server of servers) server.freeze();
    await delay(FROZEN_MS, undefined, { signal });
    for (const server of servers) server.thaw();
  };
  const killed = async (): Promise<void> => {
    await redis.kill();
    await delay(DOWN_MS, undefined, { signal });
    await redis.restart();
  };
  return [
    [FLUSHED, async () => void (await client.flushall())],
    ['redis-killed', killed],
    ['redis-frozen', () => frozen(redis)],
    ['postgres-frozen-too', () => frozen(redis, postgres)],
  ];
}

interface Freezable {
  freeze(): void;
  thaw(): void;
}
