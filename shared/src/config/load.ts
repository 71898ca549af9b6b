import { dirname, resolve } from 'node:path';
import { ForewarmError } from '../errors';
import { refuseHalfAlerts } from './alerts';
import { type ConfigDocument, readDocument } from './document';
import type { Environment } from './environment';
import { deepFreeze } from './freeze';
import { type Merged, mergeLayers, SET_BY_PROGRAM } from './layers';
import { refuseExposure } from './listen';
import { type BrokenLists, type ModelContext, resolveModel } from './model';
import { parseSettings } from './parse';
import { isPlainMap } from './plain-map';
import { ProblemReport, pathText } from './problem';
import { MODEL_NAME, type Settings, settingsSchema } from './schema';
import type { Config, ConfigSource, ModelConfig } from './types';
import type { Path } from './values';

export type { Config, InputSource, ModelConfig, Role } from './types';

export const DEFAULT_CONFIG_FILE = 'forewarm.yaml';

export interface LoadOptions {
  /** Path of the file; without it FOREWARM_CONFIG, or `forewarm.yaml` in the current folder. */
  readonly path?: string | undefined;
  readonly environment: Environment;
  /** From the command line, above everything else: dotted path to text, `{ 'http.port': '0' }`. */
  readonly overrides?: Readonly<Record<string, string>> | undefined;
  /** From the program, below the file and above the defaults of the schema: dotted path to text. */
  readonly defaults?: Readonly<Record<string, string>> | undefined;
  /** What is done about lists of categories that are not there or are wrong; `refuse` unless it is said. */
  readonly lists?: BrokenLists | undefined;
}

/**
 * The configuration: flag, then environment, then file, then injected default, then default. Deep-frozen.
 * @throws ForewarmError FW_CONFIG_MISSING; FW_CONFIG_UNREADABLE at the first fault of the YAML; FW_CONFIG_INVALID with
 *   every problem at once, in `details.problems` as `Problem[]`
 */
export function loadConfig(options: LoadOptions): Config {
  const label = options.path ?? (options.environment.FOREWARM_CONFIG || DEFAULT_CONFIG_FILE);
  const file = resolve(label);
  const document = readDocument(file, label);
  const origins = new Map<string, string>();
  const locate = (path: Path) => originOf(path, origins) ?? document.where(path);
  const report = new ProblemReport(locate);
  reportDuplicates(document, report);
  const { environment, overrides = {}, defaults = {}, lists = 'refuse' } = options;
  const merged = mergeLayers({ file: document.root, environment, overrides, defaults }, report);
  for (const [key, origin] of merged.origins) origins.set(key, origin);
  const parsed = parseSettings(settingsSchema, merged.settings, [], report, document.where);
  const { http, limits, alerts } = parsed.partial;
  if (http !== undefined) refuseExposure(http, report);
  if (alerts !== undefined) refuseHalfAlerts(alerts, report);
  const models = resolveModels(merged.models, {
    ...{ configFile: file, label, limits, report, locate, lists },
  });
  report.throwIfAny(label);
  if (parsed.complete === undefined) throw new ForewarmError('FW_INTERNAL', `${label}: refused without a problem`);
  const source = { path: file, origins: sourceOrigins(merged, document) };
  return deepFreeze(configOf(parsed.complete, models, source));
}

function configOf(given: Settings, models: readonly ModelConfig[], source: ConfigSource): Config {
  const {
    keyPrefix,
    redis,
    postgres,
    http,
    log,
    roles,
    inference,
    shutdown,
    watchdog,
    history,
    limits,
    reader,
    backup,
    alerts,
  } = given;
  return {
    keyPrefix,
    redis: { cacheUrl: redis.cache, queueUrl: redis.queue ?? redis.cache },
    postgres: {
      url: postgres.url,
      connectTimeoutMs: postgres.connectTimeout,
      statementTimeoutMs: postgres.statementTimeout,
      poolSize: postgres.poolSize,
    },
    http: {
      host: http.host,
      port: http.port,
      exposeWithoutAuthentication: http.exposeWithoutAuthentication,
      tokens: http.tokens,
      rateLimit: http.rateLimit,
      requestTimeoutMs: http.requestTimeout,
      maxBodyBytes: http.maxBody,
      maxBatch: http.maxBatch,
    },
    log,
    roles,
    inference: {
      processes: inference.processes,
      timeLimitMs: inference.timeLimit,
      brokenAfter: inference.brokenAfter,
    },
    reader: { memoryBytes: reader.memory, deadlineMs: reader.deadline, processes: reader.processes },
    shutdown: { graceMs: shutdown.grace },
    watchdog: { everyMs: watchdog.every },
    history: {
      keepForMs: history.keepFor,
      keepCycles: history.keepCycles,
      keepBatchesOf: history.keepBatchesOf,
      keepLogsOf: history.keepLogsOf,
      keepAlertsMs: history.keepAlerts,
    },
    backup: {
      ...backup,
      folder: resolve(dirname(source.path), backup.folder),
      folderNamed: ![undefined, SET_BY_PROGRAM].includes(source.origins['backup.folder']),
    },
    alerts: alertsOf(alerts),
    limits,
    models,
    source,
  };
}

function alertsOf({
  fireAfter,
  resolveAfter,
  remindEvery,
  cycleDeadline,
  backupAge,
  maxClockSkew,
  email,
  ...same
}: Settings['alerts']): Config['alerts'] {
  return {
    ...same,
    fireAfterMs: fireAfter,
    resolveAfterMs: resolveAfter,
    remindEveryMs: remindEvery === 'never' ? undefined : remindEvery,
    cycleDeadlineMs: cycleDeadline,
    backupAgeMs: backupAge,
    maxClockSkewMs: maxClockSkew,
    email: { ...email, from: email.from?.[0] },
  };
}

function resolveModels(raw: unknown, context: ModelContext): ModelConfig[] {
  const expected = 'a map with at least one model: its name, and below it file, axes and categories';
  if (!isPlainMap(raw) || Object.keys(raw).length === 0) {
    context.report.wrong(['models'], raw, expected);
    return [];
  }
  return Object.entries(raw).flatMap(([name, settings]) => {
    if (!MODEL_NAME.test(name)) {
      const rule = 'a name of 1 to 64 lower-case letters, digits, `-` and `_`, the first a letter or digit';
      context.report.wrong(['models', name], name, rule);
    }
    return resolveModel(name, settings, context) ?? [];
  });
}

function reportDuplicates(document: ConfigDocument, report: ProblemReport): void {
  for (const { path, first, second } of document.duplicates) {
    const expected = `each name once; it stands at ${first} already`;
    report.add({ kind: 'invalid', path: pathText(path), from: second, given: 'the name twice', expected });
  }
}

/** The layer that set the value at `path` or the setting that holds it; `undefined` when it was the file. */
function originOf(path: Path, origins: ReadonlyMap<string, string>): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function sourceOrigins({ settings, origins }: Merged, document: ConfigDocument): Record<string, string> {
  const fromFile = leavesOf(settings).map((path) => [path.join('.'), document.where(path)] as const);
  return { ...Object.fromEntries(fromFile), ...Object.fromEntries(origins) };
}

/** What a map of maps sets, by its paths. */
function leavesOf(settings: Readonly<Record<string, unknown>>): string[][] {
  return Object.entries(settings).flatMap(([name, value]) =>
    isPlainMap(value) ? leavesOf(value).map((path) => [name, ...path]) : [[name]],
  );
}
