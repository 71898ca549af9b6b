import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadPath } from './read-path';

/** How long a measurement of one path takes, in milliseconds: its calls are counted first and then run. */
const SLICE_MS = 150;
/** Of each measurement, calls that are timed one by one: a clock beside each call would slow quick ones. */
const SAMPLED = 1 / 3;
/** Of each measurement, calls before it that do not count: the first ones pay for what the path before left to be collected. */
const LEAD_IN = 1 / 5;
/** For what is measured to be compiled, and to count how many calls a measurement takes. */
const WARM_UP_MS = 300;
const LEAST_CALLS = 50;
/** After so many calls others have a turn, as in an application: answers from memory alone would let no timer fire. */
const TURN_CALLS = 2_000;

/** One path at one concurrency. */
export class TimedReads {
  readonly path: ReadPath;
  readonly concurrency: number;
  /** Microseconds of single calls, of all measurements. */
  readonly samples: number[] = [];
  /** Predictions per second, one figure for each measurement. */
  readonly rates: number[] = [];
  private calls = 0;
  private place = 0;

  constructor(path: ReadPath, concurrency: number) {
    this.path = path;
    this.concurrency = concurrency;
  }

  async warmUp(): Promise<void> {
    await this.path.prepare?.();
    const began = performance.now();
    let done = 0;
    let ms = 0;
    for (let calls = LEAST_CALLS; ms < WARM_UP_MS; calls *= 2) {
      await this.run(calls, (place) => this.path.ask(place));
      done += calls;
      ms = performance.now() - began;
    }
    this.calls = Math.max(LEAST_CALLS, Math.round((done * SLICE_MS) / ms));
  }

  /** Another figure of `rates` and more of `samples`. */
  async measure(): Promise<void> {
    const { path } = this;
    await path.prepare?.();
    await this.run(Math.ceil(this.calls * LEAD_IN), (place) => path.ask(place));
    const began = performance.now();
    await this.run(this.calls, (place) => path.ask(place));
    const seconds = (performance.now() - began) / 1_000;
    this.rates.push((this.calls * path.perCall) / seconds);
    await this.run(Math.ceil(this.calls * SAMPLED), async (place) => {
      const asked = performance.now();
      await path.ask(place);
      this.samples.push((performance.now() - asked) * 1_000);
    });
  }

  /** So many calls, `concurrency` of them at a time. */
  private async run(calls: number, ask: (place: number) => Promise<unknown>): Promise<void> {
    const { perCall } = this.path;
    const last = this.place + calls * perCall;
    const worker = async (): Promise<void> => {
      for (let asked = 1; this.place < last; asked++) {
        const { place } = this;
        this.place += perCall;
        await ask(place);
        if (asked % TURN_CALLS === 0) await nextTurn();
      }
    };
    await Promise.all(Array.from({ length: this.concurrency }, worker));
  }
}
