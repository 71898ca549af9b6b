import type { Service } from '#shared/lifecycle';
import type { Logger } from '#shared/logger';
import { logLibraryOutput } from '../library-output';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Starts a service, runs it until SIGINT, SIGTERM or SIGHUP (or until `work` ends), and stops it. A second signal ends the process
 * at once, after `abandon` has done what must not be left undone. What libraries print meanwhile goes to the log.
 */
export async function runUntilSignal(
  service: Service,
  log: Logger,
  work: (signal: AbortSignal) => Promise<void>,
  abandon: () => void = () => undefined,
): Promise<void> {
  const stopping = new AbortController();
  const endOutput = logLibraryOutput(log);
  const onSignal = (name: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      log.warn('second signal: ending at once', { signal: name });
      abandon();
      process.exit(130);
    }
    log.info('stopping', { signal: name });
    stopping.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    await untilAborted(service.start(), stopping.signal);
    if (!stopping.signal.aborted) await work(stopping.signal);
  } finally {
    await service.stop();
    for (const name of SIGNALS) process.off(name, onSignal);
    endOutput();
  }
}

/** Ends when `work` does, or when the signal is aborted before: what `work` throws after that is of no interest. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await Promise.race([work, aborted(signal)]);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
