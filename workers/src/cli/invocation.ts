import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Environment, environment } from '#shared/config/environment';
import { DEFAULT_CONFIG_FILE, loadConfig } from '#shared/config/load';
import type { BrokenLists } from '#shared/config/model';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { type Logger, makeLogger } from '#shared/logger';
import { packageRoot } from '#shared/version';
import { findEmbedded } from '../embedded/embedded-services';
import { type Colours, coloursFor } from './colours';
import { columnsOf } from './terminal-text';

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly json?: boolean;
  /** Of commands that run or ask an `up`. */
  readonly folder?: string;
}

/** Where `forewarm up` keeps its servers and tells other commands of them. */
const EMBEDDED_FOLDER = '.forewarm';

/** For commands that run an `up`, or ask one that runs. */
export function addFolder(command: Command): Command {
  return command.option('--folder <path>', 'where `forewarm up` keeps its data', EMBEDDED_FOLDER);
}

/** One run of the command line: what was asked, and where answers and logs go. */
export class Invocation {
  readonly json: boolean;
  readonly environment: Environment;
  /** For answers. */
  readonly colours: Colours;
  /** How long a line of an answer may be; infinite where there is no terminal. */
  readonly columns: number;
  private readonly options: CommonOptions;

  constructor(command: Command) {
    // Given before the command's name and after it: the two add up, and the later one counts more.
    const before = command.parent?.optsWithGlobals<CommonOptions>();
    const own = command.opts<CommonOptions>();
    this.options = { ...before, ...own, set: { ...before?.set, ...own.set } };
    this.json = this.options.json ?? false;
    this.environment = environment();
    this.colours = coloursFor(process.stdout, this.environment);
    this.columns = columnsOf(process.stdout);
  }

  /** Where `up` keeps its data. */
  get folder(): string {
    return resolve(this.options.folder ?? EMBEDDED_FOLDER);
  }

  /**
   * The configuration. `overrides` are the command's own options; `defaults` lie below the file.
   * @throws ForewarmError FW_CONFIG_*
   */
  config(overrides: Settings = {}, defaults: Settings = {}, lists: BrokenLists = 'refuse'): Config {
    if (this.configFile === undefined && !existsSync(DEFAULT_CONFIG_FILE)) {
      throw new ForewarmError('FW_CONFIG_MISSING', `there is no ${DEFAULT_CONFIG_FILE} in ${process.cwd()}`, {
        next: 'Name the file with --config or FOREWARM_CONFIG, or start `forewarm up` here, which runs the sample.',
      });
    }
    return this.load(this.configFile, overrides, defaults, lists);
  }

  /** The configuration of `up`: in a folder without one, that of the packaged sample. */
  configOfUp(overrides: Settings, defaults: Settings, lists: BrokenLists = 'refuse'): Config {
    const sample = existsSync(DEFAULT_CONFIG_FILE) ? undefined : join(packageRoot(), DEFAULT_CONFIG_FILE);
    return this.load(this.configFile ?? sample, overrides, defaults, lists);
  }

  /** The configuration for commands that ask a running system: that of the `up` that runs here, if one does. */
  configOfRunning(lists: BrokenLists = 'refuse'): Config {
    const urls = findEmbedded(this.folder);
    if (urls === undefined) return this.config({}, {}, lists);
    return this.configOfUp(
      {},
      { 'redis.cache': urls.redisUrl, 'postgres.url': urls.postgresUrl, 'backup.folder': join(this.folder, 'backups') },
      lists,
    );
  }

  /** The same for commands that need no list of categories: one that is broken must not keep people from looking. */
  configToLook(): Config {
    return this.configOfRunning('tell');
  }

  /** The options with which another command finds the same configuration and the same `up`. */
  get optionsToFindIt(): string {
    const { config, folder = EMBEDDED_FOLDER } = this.options;
    const given = { '--config': config, '--folder': folder === EMBEDDED_FOLDER ? undefined : folder };
    const words = Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [` ${name} "${value}"`],
    );
    return words.join('');
  }

  logger(config: Config): Logger {
    return makeLogger({ ...config.log, stream: process.stderr, ...(this.json ? { format: 'json' } : {}) });
  }

  /** Prints the answer: as one JSON document with `--json`, as text otherwise. */
  answer(document: unknown, text: () => string): void {
    process.stdout.write(this.json ? `${JSON.stringify(document)}\n` : `${text()}\n`);
  }

  private get configFile(): string | undefined {
    return this.options.config ?? (this.environment.FOREWARM_CONFIG || undefined);
  }

  private load(path: string | undefined, overrides: Settings, defaults: Settings, lists: BrokenLists): Config {
    return loadConfig({
      path,
      environment: this.environment,
      overrides: { ...this.options.set, ...overrides },
      defaults,
      lists,
    });
  }
}

/** Dotted path to text. */
type Settings = Readonly<Record<string, string>>;

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
