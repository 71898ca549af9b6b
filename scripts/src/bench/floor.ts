import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { environment } from '#shared/config/environment';
import { CELLS } from './grid';

/** Categories `from` to `to`, 0-based, the last not included. */
export interface FloorTask {
  readonly from: number;
  readonly to: number;
}

export interface FloorAnswer {
  readonly values: number;
}

/** The limit that nothing can beat: the same inference in child processes, one thread each, without queue and stores. */
export class Floor {
  private readonly children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.children = children;
  }

  static async start(model: string, processes: number): Promise<Floor> {
    const program = join(__dirname, 'floor-process.js');
    const env = { ...environment(), ORT_DISABLE_TELEMETRY: '1' };
    const children = Array.from({ length: processes }, () => fork(program, [model], { env }));
    await Promise.all(children.map((child) => once(child, 'message')));
    return new Floor(children);
  }

  /** Seconds for the grid of this many categories, shared out evenly. */
  async measure(categories: number): Promise<number> {
    const share = Math.ceil(categories / this.children.length);
    const began = performance.now();
    const answers = this.children.map(async (child, i) => {
      const answer = once(child, 'message') as Promise<[FloorAnswer]>;
      const task: FloorTask = { from: Math.min(i * share, categories), to: Math.min((i + 1) * share, categories) };
      child.send(task);
      return (await answer)[0].values;
    });
    const values = (await Promise.all(answers)).reduce((sum, n) => sum + n, 0);
    const seconds = (performance.now() - began) / 1_000;
    if (values !== categories * CELLS) throw new Error(`the floor computed ${values} of ${categories * CELLS} values`);
    return seconds;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.children.map(async (child) => {
        const exit = once(child, 'exit');
        child.disconnect();
        await exit;
      }),
    );
  }
}
