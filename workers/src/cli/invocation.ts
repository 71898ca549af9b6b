import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Environment, environment } from '#shared/config/environment';
import { loadConfig } from '#shared/config/load';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { type Logger, makeLogger } from '#shared/logger';
import { findEmbedded } from '../embedded/embedded-services';

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

/** Where `forewarm up` keeps its servers and tells other commands of them. */
export const EMBEDDED_FOLDER = '.forewarm';

/** One run of the command line: what was asked, and where answers and logs go. */
export class Invocation {
  readonly json: boolean;
  readonly environment: Environment;
  private readonly options: CommonOptions;

  constructor(command: Command) {
    this.options = command.optsWithGlobals<CommonOptions>();
    this.json = this.options.json ?? false;
    this.environment = environment();
  }

  /**
   * The configuration. `defaults` lie below the file; `overrides` are the command's own options; `fallback` is the file
   * to take when none is named.
   * @throws ForewarmError FW_CONFIG_*
   */
  config(
    overrides: Readonly<Record<string, string>> = {},
    defaults: Readonly<Record<string, string>> = {},
    fallback?: string,
  ): Config {
    const named = this.options.config ?? this.environment.FOREWARM_CONFIG;
    return loadConfig({
      path: named === undefined || named === '' ? fallback : named,
      environment: this.environment,
      overrides: { ...this.options.set, ...overrides },
      defaults,
    });
  }

  /** The configuration for commands that ask a running system: that of `forewarm up` here, where none is configured. */
  configOfRunning(): Config {
    return this.config({}, embeddedUrls(resolve(EMBEDDED_FOLDER)));
  }

  logger(config: Config): Logger {
    return makeLogger({ ...config.log, stream: process.stderr, ...(this.json ? { format: 'json' } : {}) });
  }

  /** Prints the answer: as one JSON document with `--json`, as text otherwise. */
  answer(document: unknown, text: () => string): void {
    process.stdout.write(this.json ? `${JSON.stringify(document)}\n` : `${text()}\n`);
  }
}

/**
 * The model that is meant: the one of that name, or the only one.
 * @throws ForewarmError FW_MODEL_UNKNOWN, FW_USAGE
 */
export function chooseModel(config: Config, name: string | undefined): ModelConfig {
  const names = config.models.map((model) => model.name).join(', ');
  const [only, ...others] = config.models;
  if (name === undefined) {
    if (only !== undefined && others.length === 0) return only;
    throw new ForewarmError('FW_USAGE', `which model? Give --model; configured are ${names}`);
  }
  const model = config.models.find((candidate) => candidate.name === name);
  if (model !== undefined) return model;
  throw new ForewarmError('FW_MODEL_UNKNOWN', `no model is named ${name}; configured are ${names}`);
}

/** Settings that lead to the servers of a running `forewarm up`, or none. */
function embeddedUrls(folder: string): Record<string, string> {
  const urls = findEmbedded(folder);
  return urls === undefined ? {} : { 'redis.cache': urls.redisUrl, 'postgres.url': urls.postgresUrl };
}
