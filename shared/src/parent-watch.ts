import { Worker } from 'node:worker_threads';

/** How long a process may outlive its daemon. */
const LOOK_EVERY_MS = 500;

/** Runs in the thread: it shares nothing with the run that it outlives. */
const LOOK = `setInterval(() => {
  if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL');
}, ${LOOK_EVERY_MS});`;

/**
 * Ends this process soon after its parent has died. A run blocks its thread, so that a process in the middle of one, or
 * one that hangs, does not see its channel close; another thread sees that it has been given to another parent.
 */
export function endWithParent(): void {
  new Worker(LOOK, { eval: true, env: {}, resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1 } }).unref();
}
