import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchTimings } from '#shared/inference/protocol';
import type { BenchDaemon } from './bench-daemon';
import type { Deployment } from './deployment';
import { Floor } from './floor';
import { CELLS } from './grid';
import { Naive } from './naive';
import { MemoryWatch, usageOf } from './process-usage';
import { roundsFor } from './rounds';
import { median, rounded } from './statistics';
import type { ModelKind } from './synthetic-models';
import { TimedCycles } from './timed-cycles';

export interface WarmOptions {
  readonly model: ModelKind;
  readonly categories: number;
  readonly refresh: 'always' | 'changed';
  /** Told what is going on, line by line. */
  readonly say: (line: string) => void;
}

/** Figures of one run; units are in the names. What `cycleSeconds` and `bytesPerPrediction` count is in DECISIONS.md, 17. */
export interface WarmFigures {
  readonly suite: 'warm';
  readonly model: ModelKind;
  readonly categories: number;
  readonly predictions: number;
  readonly cycleSeconds: number;
  readonly durableSeconds: number;
  readonly floorSeconds: number;
  readonly overFloor: number;
  readonly naiveSeconds: number;
  readonly overNaive: number;
  readonly bytesPerPrediction: number;
  readonly eventLoopDelayP99Ms: number;
  readonly peakRssMb: number;
  readonly cpuSecondsPerCycle: number;
  /** With `refresh: changed` only, as the two below. */
  readonly idleCycleSeconds?: number;
  readonly idleOverFull?: number;
  readonly idleComputed?: number;
}

export interface WarmResult {
  readonly figures: WarmFigures;
  /** Of the last full cycle: milliseconds summed over its batches, and how long it took. */
  readonly stages: BatchTimings;
  readonly lastSeconds: number;
  readonly processes: number;
}

/** The event loop of a daemon that does nothing is watched for so long. */
const IDLE_MS = 2_000;

interface Round {
  readonly floor: number;
  readonly naive: number;
  readonly rows: number;
  readonly durable: number;
  readonly cpu: number;
  readonly loopP99Ms: number;
  readonly idle: number;
  readonly idleComputed: number;
}

/** A cycle of the real daemon against bare inference and a first script, in turn. */
export async function warmSuite(deployment: Deployment, options: WarmOptions): Promise<WarmResult> {
  const { model: kind, categories, refresh, say } = options;
  deployment.configure({ kind, categories, refresh });
  const daemon = await deployment.daemon('scheduler,worker');
  say(`${kind}, ${categories.toLocaleString('en')} categories: the first cycle …`);
  await deployment.warm();
  const processes = availableParallelism();
  const cycles = await TimedCycles.open(deployment.redisUrl);
  const floor = await Floor.start(deployment.modelFile, processes);
  const naive = await Naive.open(deployment.modelFile, deployment.redis);
  const memory = new MemoryWatch(() => [daemon.pid]);
  try {
    const warmUp = [await floor.measure(categories), (await cycles.run(daemon)).seconds];
    const idleP99Ms = await idleLoop(daemon);
    const rounds: Round[] = [];
    const wanted = roundsFor(Math.max(...warmUp));
    let last = { id: '', seconds: 0 };
    for (let i = 1; i <= wanted; i++) {
      const { round, cycle } = await oneRound();
      last = cycle;
      rounds.push(round);
      say(`  round ${i} of ${wanted}: ${describe(round, refresh)}`);
    }
    const stages = await deployment.stages(last.id);
    memory.stop();
    const bytesPerPrediction = (await deployment.takeRedisBytes()) / (categories * CELLS);
    const of = (figure: keyof Round): number => median(rounds.map((round) => round[figure]));
    const figures: WarmFigures = {
      ...{ suite: 'warm', model: kind, categories, predictions: categories * CELLS },
      cycleSeconds: rounded(of('rows')),
      durableSeconds: rounded(of('durable')),
      floorSeconds: rounded(of('floor')),
      overFloor: rounded(median(rounds.map(({ durable, floor: bare }) => durable / bare))),
      naiveSeconds: rounded(of('naive')),
      overNaive: rounded(median(rounds.map(({ naive: script, rows }) => script / rows))),
      bytesPerPrediction: rounded(bytesPerPrediction),
      eventLoopDelayP99Ms: rounded(Math.max(0, of('loopP99Ms') - idleP99Ms)),
      peakRssMb: rounded(memory.peakBytes / 2 ** 20),
      cpuSecondsPerCycle: rounded(of('cpu')),
      ...(refresh === 'changed' && {
        idleCycleSeconds: rounded(of('idle')),
        idleOverFull: rounded(median(rounds.map(({ idle, durable }) => idle / durable))),
        idleComputed: Math.max(...rounds.map(({ idleComputed }) => idleComputed)),
      }),
    };
    return { figures, stages, lastSeconds: last.seconds, processes };
  } finally {
    memory.stop();
    await floor.stop();
    await cycles.close();
  }

  async function oneRound() {
    const bare = await floor.measure(categories);
    await daemon.loopDelay();
    const cpuBefore = usageOf(daemon.pid).cpuSeconds;
    const cycle = await cycles.run(daemon);
    const cpu = usageOf(daemon.pid).cpuSeconds - cpuBefore;
    const { p99Ms: loopP99Ms } = await daemon.loopDelay();
    const idle = refresh === 'changed' ? await cycles.run(daemon, { force: false }) : undefined;
    const round: Round = {
      ...{ floor: bare, naive: await naive.measure(categories), cpu, loopP99Ms },
      ...{ rows: cycle.rowsSeconds ?? cycle.seconds, durable: cycle.seconds },
      ...{ idle: idle?.seconds ?? 0, idleComputed: idle?.computed ?? 0 },
    };
    return { round, cycle };
  }
}

async function idleLoop(daemon: BenchDaemon): Promise<number> {
  await daemon.loopDelay();
  await delay(IDLE_MS);
  return (await daemon.loopDelay()).p99Ms;
}

function describe({ floor, naive, rows, durable, loopP99Ms, idle }: Round, refresh: WarmOptions['refresh']): string {
  const parts = [
    `cycle ${rows.toFixed(3)} s`,
    `durable ${durable.toFixed(3)} s`,
    `floor ${floor.toFixed(3)} s`,
    `over floor ${(durable / floor).toFixed(2)}`,
    `naive ${naive.toFixed(1)} s`,
    `loop p99 ${loopP99Ms.toFixed(1)} ms`,
  ];
  return (refresh === 'changed' ? [...parts, `idle ${idle.toFixed(3)} s`] : parts).join(', ');
}
