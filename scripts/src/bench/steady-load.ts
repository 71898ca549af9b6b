import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { environment } from '#shared/config/environment';
import type { PhaseFigures } from './phase-tally';

export interface LoadTask {
  readonly redisUrl: string;
  readonly postgresUrl: string;
  /** Of the daemon that answers by HTTP; without it, the library gets all reads. */
  readonly httpUrl: string | undefined;
  /** Path of the ONNX file. */
  readonly modelFile: string;
  readonly categories: number;
  readonly readsPerSecond: number;
}

/** What the process of the load is told: to begin with this phase, to go on with that one, to end. */
export type LoadOrder =
  | { readonly begin: LoadTask; readonly phase: string }
  | { readonly phase: string }
  | { readonly end: true };

/** It answers each order when it is done, the last one with what became of all reads. */
export interface LoadAnswer {
  readonly phases?: readonly PhaseFigures[];
}

/** Applications that read without an end, in a process of their own. `stop` it. */
export class SteadyLoad {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  private constructor() {
    const env = { ...environment(), ORT_DISABLE_TELEMETRY: '1' };
    this.child = fork(join(__dirname, 'load-process.js'), { env, serialization: 'advanced' });
    this.exited = once(this.child, 'exit');
  }

  /** Resolves when reads are under way. */
  static async start(task: LoadTask, phase: string): Promise<SteadyLoad> {
    const load = new SteadyLoad();
    try {
      await load.order({ begin: task, phase });
      return load;
    } catch (error) {
      await load.stop();
      throw error;
    }
  }

  /** Reads that begin from now on count for this phase. */
  async phase(phase: string): Promise<void> {
    await this.order({ phase });
  }

  /** Resolves when every read has ended. */
  async end(): Promise<readonly PhaseFigures[]> {
    return (await this.order({ end: true })).phases ?? [];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    if (this.child.connected) this.child.disconnect();
    await this.exited;
  }

  /** @throws Error when it has ended */
  private async order(order: LoadOrder): Promise<LoadAnswer> {
    const answer = once(this.child, 'message') as Promise<[LoadAnswer]>;
    this.child.send(order);
    const gone = this.exited.then((): never => {
      throw new Error('the process of the readers ended; what it said is above');
    });
    return (await Promise.race([answer, gone]))[0];
  }
}
