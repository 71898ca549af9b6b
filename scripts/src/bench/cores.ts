import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/**
 * Puts this process on one core and the processes that it asks on another, so that neither takes the other's time.
 * @param asked process ids
 * @returns what was done, in words
 */
export async function separateCores(asked: readonly number[]): Promise<string> {
  if (availableParallelism() < 2) return 'the one core that there is serves this process and its servers';
  try {
    await pin(process.pid, 0);
    for (const pid of asked) await pin(pid, 1);
  } catch {
    return 'this process and its servers share the cores: there is no taskset to keep them apart';
  }
  return 'this process has core 0, Redis and the daemon have core 1';
}

/** All threads of a process. */
async function pin(pid: number, core: number): Promise<void> {
  await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)]);
}
