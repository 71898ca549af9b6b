import type { ConditionName } from '../alerts/conditions';
import type { Compression, ValueForm } from '../backup/documents';
import type { Axis } from '../cache/grid';
import type { FeatureSettings } from '../features/feature-settings';
import type { InputSource } from '../model/spec';
import type { GateSettings } from '../rollout/gates';
import type { UnknownCategories } from '../tiers/model-source';

export type { InputSource };

/** What a Forewarm process runs with: validated, resolved and deep-frozen. Units are in the names. */

export const ROLES = ['scheduler', 'worker', 'dashboard', 'api'] as const;
export type Role = (typeof ROLES)[number];

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['auto', 'json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export const OVERLAPS = ['skip', 'queue'] as const;
/** What happens to a tick that finds a cycle of the same model still running. */
export type Overlap = (typeof OVERLAPS)[number];

export const REFRESHES = ['always', 'changed'] as const;
/** Whether a cycle computes every row, or only those whose inputs have changed, that are missing or too old. */
export type Refresh = (typeof REFRESHES)[number];

export const START_SOURCES = ['postgres', 'backup', 'model'] as const;
/** Where the rows of a model come from that has none in the cache. */
export type StartSource = (typeof START_SOURCES)[number];

/** A query on PostgreSQL for the categories of a model. */
export interface CategoryQuery {
  readonly query: string;
  /** The database, where it is not that of Forewarm. */
  readonly url: string | undefined;
  readonly timeLimitMs: number;
  readonly column: string;
}

export interface ModelConfig {
  readonly name: string;
  /** Absolute path of the ONNX file; whether it exists is not known here. */
  readonly file: string;
  readonly version: string | undefined;
  readonly axes: readonly Axis[];
  readonly categories: readonly string[];
  /** Absolute path of the file that the categories were read from, or `configuration`. */
  readonly categorySource: string;
  /** Of the file. */
  readonly categoryColumn: string | undefined;
  /** Asked by each cycle, where there is one; its last good answer is in the file of `categorySource`. */
  readonly categoryQuery: CategoryQuery | undefined;
  /** For a configuration that is only looked with: why `categories` are none. */
  readonly categoryProblem: string | undefined;
  readonly minCategories: number;
  readonly maxRemovedShare: number;
  /** Only what is configured; other inputs are mapped by their names. */
  readonly inputs: Readonly<Record<string, InputSource>>;
  /** Of the categories, for inputs that take some. */
  readonly features: FeatureSettings | undefined;
  readonly output: string | readonly string[] | undefined;
  readonly classes: readonly string[] | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly bounds: GateSettings['bounds'];
  readonly maxDrift: GateSettings['maxDrift'];
  readonly keepGenerations: number;
  readonly everyMs: number;
  readonly refresh: Refresh;
  /** With `refresh: changed`: age from which a row is computed anew; `undefined` means never. */
  readonly maxAgeMs: number | undefined;
  readonly overlap: Overlap;
  readonly batchSize: number | 'auto';
  readonly staleAfterMs: number;
  readonly unknownCategories: UnknownCategories;
  /** `undefined`: rows never expire. */
  readonly expireAfterMs: number | undefined;
  readonly startFrom: readonly StartSource[];
}

export interface BackupConfig {
  /** Five fields of cron; `off` for none. */
  readonly schedule: string;
  /** Name of the time zone that the schedule is meant in. */
  readonly timezone: string;
  /** Absolute path. */
  readonly folder: string;
  /** Whether the folder was named: one that was is not made, because its absence may be that of a mount. */
  readonly folderNamed: boolean;
  readonly compression: Compression;
  readonly values: ValueForm;
  readonly keep: { readonly last: number; readonly daily: number; readonly weekly: number };
}

/** What is looked for when nobody is looking, and who is told. */
export interface AlertsConfig {
  readonly off: readonly ConditionName[];
  readonly fireAfterMs: number | 'auto';
  readonly resolveAfterMs: number;
  /** `undefined` is never. */
  readonly remindEveryMs: number | undefined;
  readonly minCoverage: number;
  readonly failedCycles: number;
  readonly cycleDeadlineMs: number | 'auto';
  readonly missedTicks: number;
  readonly queueMemory: number;
  readonly fallThrough: number;
  readonly backupAgeMs: number | 'auto';
  readonly minDiskFree: number;
  readonly maxClockSkewMs: number;
  readonly runBooks: string | undefined;
  /** Secret, as its key. */
  readonly webhook: { readonly url: string | undefined; readonly secret: string | undefined };
  readonly slack: { readonly url: string | undefined };
  readonly email: {
    readonly smtp: string | undefined;
    readonly from: string | undefined;
    readonly to: readonly string[];
  };
}

export interface ConfigSource {
  /** Absolute path of the file. */
  readonly path: string;
  /** Where each setting came from that is not its default: dotted path to `forewarm.yaml:12` or a variable's name. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface Config {
  readonly keyPrefix: string;
  readonly redis: { readonly cacheUrl: string; readonly queueUrl: string };
  readonly postgres: {
    readonly url: string | undefined;
    readonly connectTimeoutMs: number;
    readonly statementTimeoutMs: number;
    readonly poolSize: number;
  };
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Whether `host` may be an address that others than this machine reach. */
    readonly exposeWithoutAuthentication: boolean;
    /** Bearer tokens, each as good as the others; secret. */
    readonly tokens: readonly string[];
    /** Requests a minute of one client. */
    readonly rateLimit: number | 'off';
    readonly requestTimeoutMs: number;
    readonly maxBodyBytes: number;
    /** Predictions of one request. */
    readonly maxBatch: number;
  };
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly roles: readonly Role[];
  readonly inference: {
    readonly processes: number | 'auto';
    readonly timeLimitMs: number;
    readonly brokenAfter: number;
  };
  /** How this process reads predictions for others: the role `api`. */
  readonly reader: {
    readonly memoryBytes: number;
    readonly deadlineMs: number;
    readonly processes: number;
  };
  readonly shutdown: { readonly graceMs: number };
  readonly watchdog: { readonly everyMs: number };
  readonly history: {
    readonly keepForMs: number;
    readonly keepCycles: number;
    readonly keepBatchesOf: number;
    readonly keepLogsOf: number;
    readonly keepAlertsMs: number;
  };
  readonly backup: BackupConfig;
  readonly alerts: AlertsConfig;
  readonly limits: { readonly cellsPerRow: number; readonly gridBytes: number };
  readonly models: readonly ModelConfig[];
  readonly source: ConfigSource;
}
