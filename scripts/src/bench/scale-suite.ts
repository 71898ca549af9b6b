import type { BenchDaemon } from './bench-daemon';
import type { Deployment } from './deployment';
import { Floor } from './floor';
import { roundsFor } from './rounds';
import { median, rounded } from './statistics';
import type { ModelKind } from './synthetic-models';
import { TimedCycles } from './timed-cycles';

export interface ScaleOptions {
  readonly model: ModelKind;
  readonly categories: number;
  /** Numbers of worker processes, ascending. */
  readonly workers: readonly number[];
  /** How often each number of workers is measured; by default so often as a cycle is quick. */
  readonly rounds?: number;
  readonly say: (line: string) => void;
}

export interface ScaleFigures {
  readonly categories: number;
  /** By number of workers. */
  readonly cycleSeconds: Readonly<Record<string, number>>;
  readonly floorSeconds: Readonly<Record<string, number>>;
  /** From the smallest to the largest number of workers. */
  readonly speedup: number;
  readonly floorSpeedup: number;
  readonly efficiency: number;
}

interface Measured {
  readonly cycle: number;
  readonly floor: number;
}

/** Worker daemons of one inference process each against one Redis, beside a scheduler; the counts in turn. */
export async function scaleSuite(deployment: Deployment, options: ScaleOptions): Promise<ScaleFigures> {
  const { model: kind, categories, workers, say } = options;
  const [least = 1] = workers;
  const most = workers[workers.length - 1] ?? least;
  deployment.configure({ kind, categories, refresh: 'always' });
  const scheduler = await deployment.daemon('scheduler', 1);
  const cycles = await TimedCycles.open(deployment.redisUrl);
  const floors = new Map<number, Floor>();
  for (const count of workers) floors.set(count, await Floor.start(deployment.modelFile, count));
  const rounds: ReadonlyMap<number, Measured>[] = [];
  try {
    say(`${kind}, ${categories.toLocaleString('en')} categories: the first cycle …`);
    const first = await oneRound();
    const wanted = options.rounds ?? roundsFor(Math.max(...[...first.values()].map(({ cycle }) => cycle)));
    for (let i = 1; i <= wanted; i++) {
      const round = await oneRound();
      rounds.push(round);
      const told = [...round].map(
        ([count, { cycle, floor }]) => `${count}: ${cycle.toFixed(3)} s (floor ${floor.toFixed(3)} s)`,
      );
      say(`  round ${i} of ${wanted}, by workers: ${told.join(', ')}`);
    }
  } finally {
    await cycles.close();
    for (const floor of floors.values()) await floor.stop();
    await deployment.stopDaemons();
  }
  const of = (count: number, what: keyof Measured): number[] =>
    rounds.map((round) => round.get(count)?.[what] ?? Number.NaN);
  const ratio = (what: keyof Measured): number =>
    median(rounds.map((round) => (round.get(least)?.[what] ?? Number.NaN) / (round.get(most)?.[what] ?? Number.NaN)));
  const byCount = (what: keyof Measured): Record<string, number> =>
    Object.fromEntries(workers.map((count) => [String(count), rounded(median(of(count, what)))]));
  const [speedup, floorSpeedup] = [ratio('cycle'), ratio('floor')];
  return {
    categories,
    cycleSeconds: byCount('cycle'),
    floorSeconds: byCount('floor'),
    ...{ speedup: rounded(speedup), floorSpeedup: rounded(floorSpeedup), efficiency: rounded(speedup / floorSpeedup) },
  };

  async function oneRound(): Promise<Map<number, Measured>> {
    const round = new Map<number, Measured>();
    for (const count of workers) {
      const started = await Promise.all(Array.from({ length: count }, () => deployment.daemon('worker', 1)));
      // The first cycle of new processes loads the model.
      if (round.size === 0 && rounds.length === 0) await deployment.warm();
      await cycles.run(scheduler);
      const cycle = (await cycles.run(scheduler)).seconds;
      await Promise.all(started.map((worker: BenchDaemon) => worker.stop()));
      round.set(count, { cycle, floor: (await floors.get(count)?.measure(categories)) ?? Number.NaN });
    }
    return round;
  }
}
