import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from './process-identity';

/** What the embedded default may have running. */
export type ServerName = 'redis' | 'postgres' | 'initdb';

export interface ShutdownStep {
  readonly signal: NodeJS.Signals;
  /** How long the process is given before the next step. */
  readonly waitMs: number;
}

/** The kindest signal first. After the last step a process that still lives cannot be ended by anybody. */
export const SHUTDOWN: Readonly<Record<ServerName, readonly ShutdownStep[]>> = {
  redis: [
    { signal: 'SIGTERM', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 2_000 },
  ],
  // https://www.postgresql.org/docs/18/server-shutdown.html: fast, immediate, then the hard way.
  postgres: [
    { signal: 'SIGINT', waitMs: 5_000 },
    { signal: 'SIGQUIT', waitMs: 3_000 },
    { signal: 'SIGKILL', waitMs: 2_000 },
  ],
  // It alone is asked: the server that it runs ends by itself when nobody speaks to it any more, and gives its shared memory back. Killed, it
  // would leave that for ever, since the cluster is thrown away.
  initdb: [
    { signal: 'SIGINT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 2_000 },
  ],
};

/** Sends one signal after the other until `gone` says yes within a step; answers whether it did. */
export async function shutDown(
  pid: number,
  steps: readonly ShutdownStep[],
  gone: (withinMs: number) => Promise<boolean>,
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    if (await gone(0)) return true;
    // Our servers lead a process group of their own; the hard way takes what they forked along with them.
    send(signal === 'SIGKILL' ? -pid : pid, signal);
    if (await gone(waitMs)) return true;
  }
  return false;
}

/** Gives what a server has forked a moment to end by itself after it, then ends it. */
export async function endGroup(pid: number): Promise<void> {
  const deadline = performance.now() + GROUP_MS;
  while (groupLives(pid)) {
    if (performance.now() >= deadline) return send(-pid, 'SIGKILL');
    await sleep(10);
  }
}

const GROUP_MS = 2_000;

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    // Those of another user live.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Waits for a process that is not our child, by looking again and again. */
export async function goneWithin(identity: ProcessIdentity, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isRunning(identity)) {
    if (performance.now() >= deadline) return false;
    await sleep(10);
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already, which is what was wanted. Anything else (EPERM) is the caller's to tell.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
