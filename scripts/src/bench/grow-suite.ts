import type { Deployment } from './deployment';
import { CELLS } from './grid';
import { MemoryWatch } from './process-usage';
import { exponent, median, rounded } from './statistics';
import type { ModelKind } from './synthetic-models';
import { TimedCycles } from './timed-cycles';

export interface GrowOptions {
  readonly model: ModelKind;
  /** Numbers of categories, ascending. */
  readonly sizes: readonly number[];
  readonly say: (line: string) => void;
}

export interface GrownSize {
  readonly categories: number;
  readonly predictions: number;
  readonly cycleSeconds: number;
  /** The planning of the cycle alone. */
  readonly tickSeconds: number;
  readonly redisMb: number;
  /** Peak of the daemon and its children together. */
  readonly daemonRssMb: number;
}

export interface GrowFigures {
  readonly grow: readonly GrownSize[];
  /** How time and Redis memory grow with the number of categories, over the sizes from 1,000 on. */
  readonly timeExponent: number;
  readonly memoryExponent: number;
}

const ROUNDS = 5;
/** Below, what a cycle costs whatever its size hides how it grows. */
const FIT_FROM = 1_000;

/** The same model on grids of growing size. */
export async function growSuite(
  start: () => Promise<Deployment>,
  { model, sizes, say }: GrowOptions,
): Promise<GrowFigures> {
  const grow: GrownSize[] = [];
  for (const categories of sizes) {
    const deployment = await start();
    try {
      const size = await measure(deployment, model, categories);
      grow.push(size);
      say(
        `  ${categories.toLocaleString('en')} categories: cycle ${size.cycleSeconds} s, tick ${size.tickSeconds} s, ` +
          `Redis ${size.redisMb} MB, daemon ${size.daemonRssMb} MB`,
      );
    } finally {
      await deployment.stop();
    }
  }
  const large = grow.filter(({ categories }) => categories >= FIT_FROM);
  const fitted = large.length < 2 ? grow : large;
  return {
    grow,
    timeExponent: rounded(exponent(fitted.map(({ categories, cycleSeconds }) => [categories, cycleSeconds]))),
    memoryExponent: rounded(exponent(fitted.map(({ categories, redisMb }) => [categories, redisMb]))),
  };
}

async function measure(deployment: Deployment, kind: ModelKind, categories: number): Promise<GrownSize> {
  deployment.configure({ kind, categories, refresh: 'always' });
  const daemon = await deployment.daemon('scheduler,worker');
  await deployment.warm();
  const memory = new MemoryWatch(() => [daemon.pid]);
  const cycles = await TimedCycles.open(deployment.redisUrl);
  try {
    await cycles.run(daemon);
    const seconds: number[] = [];
    const ticks: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const cycle = await cycles.run(daemon);
      seconds.push(cycle.seconds);
      ticks.push(await cycles.tickSeconds(cycle));
    }
    memory.stop();
    const redisBytes = await deployment.takeRedisBytes();
    return {
      ...{ categories, predictions: categories * CELLS },
      cycleSeconds: rounded(median(seconds)),
      tickSeconds: rounded(median(ticks)),
      redisMb: rounded(redisBytes / 2 ** 20),
      daemonRssMb: rounded(memory.peakBytes / 2 ** 20),
    };
  } finally {
    memory.stop();
    await cycles.close();
  }
}
