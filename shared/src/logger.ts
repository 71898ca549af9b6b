import pc from 'picocolors';
import winston from 'winston';
import { ForewarmError, messageOf } from './errors';

/** Facts that go with a line; values are numbers, short strings or small objects. Never secrets. */
export type Facts = Readonly<Record<string, unknown>>;

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface Logger {
  error(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  debug(message: string, facts?: Facts): void;
  /** For whoever keeps lines of this log for later: one that is not shown now, such as a repetition. */
  keep(level: LogLevel, message: string, facts?: Facts): void;
  /** A logger that adds these facts to every line, such as the id of a cycle. */
  with(facts: Facts): Logger;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` is readable text on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text';
  readonly stream: NodeJS.WritableStream & { isTTY?: boolean };
}

/** Lines on one stream, each one JSON object or one readable line. */
export function makeLogger(options: LogOptions): Logger {
  const text = options.format === 'text' || (options.format === 'auto' && options.stream.isTTY === true);
  const colours = pc.createColors(text && options.stream.isTTY === true);
  const base = winston.createLogger({
    level: options.level,
    format: winston.format.combine(
      winston.format.timestamp(),
      text ? winston.format.printf((info) => readable(info, colours)) : winston.format.json(),
    ),
    transports: [new winston.transports.Stream({ stream: options.stream })],
  });
  return wrap(base);
}

/** The facts of an error for a log line: code and message, and what to do where that is known. */
export function errorFacts(error: unknown): Facts {
  if (!(error instanceof ForewarmError)) return { error: messageOf(error), ...stackOf(error) };
  const { code, message, next, cause } = error;
  return { code, error: message, next, ...(code === 'FW_INTERNAL' ? stackOf(cause) : {}) };
}

function stackOf(error: unknown): Facts {
  return error instanceof Error ? { stack: error.stack } : {};
}

function wrap(base: winston.Logger): Logger {
  return {
    error: (message, facts) => write(base, 'error', message, facts),
    warn: (message, facts) => write(base, 'warn', message, facts),
    info: (message, facts) => write(base, 'info', message, facts),
    debug: (message, facts) => write(base, 'debug', message, facts),
    keep: () => undefined,
    with: (facts) => wrap(base.child(facts)),
  };
}

/** One object and no arguments beside it: winston would take a `%d` in a message for a place to fill. */
function write(base: winston.Logger, level: LogLevel, message: string, facts: Facts = {}): void {
  base.log({ ...facts, level, message });
}

type Colours = Pick<ReturnType<typeof pc.createColors>, 'dim' | 'red' | 'yellow'>;

function readable(info: winston.Logform.TransformableInfo, colours: Colours): string {
  const { level, message, timestamp, stack, ...facts } = info;
  const line = readableLine({ time: String(timestamp).slice(11, 19), level, message: String(message), facts }, colours);
  return typeof stack === 'string' && level === 'error' ? `${line}\n${colours.dim(stack)}` : line;
}

/** A line for people: time, level, message, facts as `name=value`. */
export function readableLine(
  {
    time,
    level,
    message,
    facts,
  }: { readonly time: string; readonly level: string; readonly message: string; readonly facts: Facts },
  colours: Colours,
): string {
  const words = Object.entries(facts).map(([name, value]) => `${colours.dim(`${name}=`)}${show(value)}`);
  return [colours.dim(time), label(level, colours), message.replaceAll(/\p{Cc}+/gu, ' '), ...words].join(' ');
}

function label(level: string, colours: Colours): string {
  if (level === 'error') return colours.red('error');
  if (level === 'warn') return colours.yellow('warn ');
  return colours.dim(level.padEnd(5));
}

function show(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 3 : 1);
  return JSON.stringify(value) ?? String(value);
}
