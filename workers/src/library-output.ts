import { format } from 'node:util';
import { systemClock } from '#shared/clock';
import type { Logger } from '#shared/logger';
import { RepeatedErrors } from '#shared/repeated-errors';

const METHODS = ['log', 'info', 'warn', 'error'] as const;

/**
 * Sends to the log what libraries print by themselves, and warnings of Node.js: among JSON lines they would be noise that
 * nothing can read, and some say the same for each queue. Returns what ends it.
 */
export function logLibraryOutput(log: Logger): () => void {
  const said = new RepeatedErrors(log, systemClock);
  const print = (...words: unknown[]): void => said.report('a library warns', format(...words));
  const warn = (warning: Error): void => said.report('Node.js warns', `${warning.name}: ${warning.message}`);
  const { console: printed } = globalThis;
  const before = METHODS.map((method) => printed[method]);
  for (const method of METHODS) printed[method] = print;
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning').on('warning', warn);
  return () => {
    METHODS.forEach((method, i) => {
      printed[method] = before[i] ?? print;
    });
    process.off('warning', warn);
    for (const listener of listeners) process.on('warning', listener);
  };
}
