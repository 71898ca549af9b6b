import type { Facts, Logger, LogLevel } from './logger';

/** One line of a log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** With those that its logger adds to each. */
  readonly facts: Facts;
}

/** A logger each of whose lines somebody else hears as well, also those that the log does not show. */
export function tapped(log: Logger, tap: (line: LogLine) => void, facts: Facts = {}): Logger {
  const hear = (level: LogLevel, message: string, more: Facts = {}): void =>
    tap({ level, message, facts: { ...facts, ...more } });
  const say = (level: LogLevel) => (message: string, more?: Facts) => {
    log[level](message, more);
    hear(level, message, more);
  };
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    keep: hear,
    with: (more) => tapped(log.with(more), tap, { ...facts, ...more }),
  };
}
