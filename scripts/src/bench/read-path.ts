import type { Questions } from './questions';

/** One way to be told a prediction. What it holds open is closed by `close`. */
export interface ReadPath<Answer = unknown> {
  /** Such as `predictor-redis`. */
  readonly name: string;
  readonly concurrencies: readonly number[];
  /** Questions that one call asks: those at `place`, `place + 1` and so on. */
  readonly perCall: number;
  ask(place: number): Promise<Answer>;
  /** The predictions of an answer, for the check that all paths say the same. */
  valuesOf(answer: Answer, place: number): readonly (number | undefined)[];
  /** Before each measurement, and not measured: what it needs to be in the state that it is measured in. */
  prepare?(): Promise<void>;
  close(): Promise<void>;
}

/** One at a time, and as a busy server would. */
export const CONCURRENCIES = [1, 64] as const;

/** @throws Error when the path answers otherwise than the model */
export async function checkPath(path: ReadPath, questions: Questions): Promise<void> {
  await path.prepare?.();
  for (let place = 0; place < questions.all.length; place += path.perCall) {
    const values = path.valuesOf(await path.ask(place), place);
    for (let i = 0; i < path.perCall; i++) {
      const { key, value } = questions.at(place + i);
      if (Object.is(values[i], value)) continue;
      throw new Error(`${path.name} says ${values[i]} for ${key}, where the model says ${value}`);
    }
  }
}
