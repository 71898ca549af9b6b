import type { Logger } from '#shared/logger';

const nothing = (): void => undefined;

/** A log that nobody reads. */
export const silentLog: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  keep: nothing,
  with: () => silentLog,
};
