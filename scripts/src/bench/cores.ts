import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * This process on one core and the processes that it asks on another, so that neither takes the other's time. Both cores are kept
 * awake: a virtual one that has nothing to do takes tens of microseconds to begin again, as long as a read takes.
 */
export class Cores {
  /** What was done, in words. */
  readonly told: string;
  private readonly awake: readonly ChildProcess[];

  private constructor(told: string, awake: readonly ChildProcess[] = []) {
    this.told = told;
    this.awake = awake;
  }

  /** @param asked process ids */
  static async separate(asked: readonly number[]): Promise<Cores> {
    if (availableParallelism() < 2) return new Cores('the one core that there is serves this process and its servers');
    try {
      await pin(process.pid, 0);
      for (const pid of asked) await pin(pid, 1);
    } catch {
      return new Cores('this process and its servers share the cores: there is no taskset to keep them apart');
    }
    const told = 'this process has core 0, Redis and the daemon have core 1';
    const awake = await Promise.all([0, 1].map(keepAwake));
    const all = awake.flatMap((child) => child ?? []);
    return new Cores(all.length === 0 ? told : `${told}, and both are kept awake`, all);
  }

  async release(): Promise<void> {
    await Promise.all(this.awake.map(end));
  }
}

/** All threads of a process. */
async function pin(pid: number, core: number): Promise<void> {
  await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)]);
}

/** A process that takes what is left of the core; `undefined` where it would take more than that. */
async function keepAwake(core: number): Promise<ChildProcess | undefined> {
  const child = fork(join(__dirname, 'awake-core.js'));
  try {
    await pin(child.pid ?? -1, core);
    await promisify(execFile)('chrt', ['--all-tasks', '--idle', '--pid', '0', String(child.pid)]);
    child.send('begin');
    return child;
  } catch {
    await end(child);
    return undefined;
  }
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
