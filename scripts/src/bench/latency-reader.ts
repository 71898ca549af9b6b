import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface LatencyTask {
  readonly redisUrl: string;
  readonly categories: number;
  readonly readsPerSecond: number;
}

export type LatencyOrder = { readonly begin: LatencyTask } | { readonly windowMs: number };

export interface LatencyAnswer {
  readonly reads: number;
  readonly failed: number;
  readonly p99Ms: number;
}

/** An application that reads from Redis at a steady rate, in a process of its own. `stop` it. */
export class LatencyReader {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  private constructor() {
    this.child = fork(join(__dirname, 'latency-process.js'), { serialization: 'advanced' });
    this.exited = once(this.child, 'exit');
  }

  static async start(task: LatencyTask): Promise<LatencyReader> {
    const reader = new LatencyReader();
    await reader.order({ begin: task });
    return reader;
  }

  /** Reads for so long. */
  window(windowMs: number): Promise<LatencyAnswer> {
    return this.order({ windowMs });
  }

  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.exited;
  }

  private async order(order: LatencyOrder): Promise<LatencyAnswer> {
    const answer = once(this.child, 'message') as Promise<[LatencyAnswer]>;
    this.child.send(order);
    const gone = this.exited.then((): never => {
      throw new Error('the process of the reader ended; what it said is above');
    });
    return (await Promise.race([answer, gone]))[0];
  }
}
