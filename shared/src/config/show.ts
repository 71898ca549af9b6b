import type { FeatureSettings } from '../features/feature-settings';
import type { ColumnSource } from '../model/spec';
import { formatBytes } from './bytes';
import { formatDuration } from './duration';
import { HIDDEN, maskUrl } from './secrets';
import { GLOBAL_SETTINGS } from './settings';
import type { CategoryQuery, Config, InputSource, ModelConfig } from './types';

/** The resolved configuration for people: shaped as the file is, durations and sizes as one writes them, no secrets. */
export interface ResolvedView {
  readonly file: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Where each setting came from: `forewarm.yaml:12`, a variable, `command line` or `default`. */
  readonly from: Readonly<Record<string, string>>;
}

export function resolvedView(config: Config): ResolvedView {
  const { origins } = config.source;
  return {
    file: config.source.path,
    settings: settingsView(config),
    models: Object.fromEntries(config.models.map((model) => [model.name, modelView(model)])),
    from: Object.fromEntries(GLOBAL_SETTINGS.map(({ key }) => [key, origins[key] ?? 'default'])),
  };
}

function settingsView({
  redis,
  postgres,
  http,
  inference,
  reader,
  shutdown,
  watchdog,
  history,
  limits,
  backup,
  alerts,
  ...config
}: Config) {
  return {
    keyPrefix: config.keyPrefix,
    redis: { cache: maskUrl(redis.cacheUrl), queue: maskUrl(redis.queueUrl) },
    postgres: {
      url: postgres.url === undefined ? null : maskUrl(postgres.url),
      connectTimeout: formatDuration(postgres.connectTimeoutMs),
      statementTimeout: formatDuration(postgres.statementTimeoutMs),
      poolSize: postgres.poolSize,
    },
    http: {
      host: http.host,
      port: http.port,
      exposeWithoutAuthentication: http.exposeWithoutAuthentication,
      tokens: http.tokens.map(() => '***'),
      rateLimit: http.rateLimit,
      requestTimeout: formatDuration(http.requestTimeoutMs),
      maxBody: formatBytes(http.maxBodyBytes),
      maxBatch: http.maxBatch,
    },
    log: { ...config.log },
    roles: [...config.roles],
    inference: {
      processes: inference.processes,
      timeLimit: formatDuration(inference.timeLimitMs),
      brokenAfter: inference.brokenAfter,
    },
    reader: {
      memory: formatBytes(reader.memoryBytes),
      deadline: formatDuration(reader.deadlineMs),
      processes: reader.processes,
    },
    shutdown: { grace: formatDuration(shutdown.graceMs) },
    watchdog: { every: formatDuration(watchdog.everyMs) },
    history: {
      keepFor: formatDuration(history.keepForMs),
      keepCycles: history.keepCycles,
      keepBatchesOf: history.keepBatchesOf,
      keepLogsOf: history.keepLogsOf,
      keepAlerts: formatDuration(history.keepAlertsMs),
    },
    backup: backupView(backup),
    alerts: alertsView(alerts),
    limits: { cellsPerRow: limits.cellsPerRow, gridBytes: formatBytes(limits.gridBytes) },
  };
}

function alertsView(alerts: Config['alerts']): Record<string, unknown> {
  const { fireAfterMs, resolveAfterMs, remindEveryMs, cycleDeadlineMs, backupAgeMs, maxClockSkewMs, ...same } = alerts;
  const orAuto = (ms: number | 'auto'): string => (ms === 'auto' ? ms : formatDuration(ms));
  const hidden = (secret: string | undefined): string | null => (secret === undefined ? null : HIDDEN);
  const { webhook, slack, email } = alerts;
  return {
    ...same,
    off: [...alerts.off],
    fireAfter: orAuto(fireAfterMs),
    resolveAfter: formatDuration(resolveAfterMs),
    remindEvery: remindEveryMs === undefined ? 'never' : formatDuration(remindEveryMs),
    cycleDeadline: orAuto(cycleDeadlineMs),
    backupAge: orAuto(backupAgeMs),
    maxClockSkew: formatDuration(maxClockSkewMs),
    runBooks: alerts.runBooks ?? null,
    webhook: { url: hidden(webhook.url), secret: hidden(webhook.secret) },
    slack: { url: hidden(slack.url) },
    email: {
      smtp: email.smtp === undefined ? null : maskUrl(email.smtp),
      from: email.from ?? null,
      to: [...email.to],
    },
  };
}

function backupView({ folderNamed: _, keep, ...backup }: Config['backup']): Record<string, unknown> {
  return { ...backup, keep: { ...keep } };
}

function modelView(model: ModelConfig): Record<string, unknown> {
  return {
    file: model.file,
    version: model.version ?? null,
    axes: Object.fromEntries(model.axes.map(({ name, values }) => [name, shortened(values)])),
    categories: {
      ...{ source: model.categorySource, count: model.categories.length, first: model.categories.slice(0, 3) },
      ...(model.categoryProblem !== undefined && { problem: model.categoryProblem }),
      ...(model.categoryQuery && queryView(model.categoryQuery)),
    },
    minCategories: model.minCategories,
    maxRemovedShare: model.maxRemovedShare,
    inputs: Object.fromEntries(Object.entries(model.inputs).map(([name, source]) => [name, inputView(source)])),
    features: model.features === undefined ? null : featuresView(model.features),
    output: model.output ?? null,
    classes: model.classes === undefined ? null : shortened(model.classes),
    outputs: model.outputs === undefined ? null : shortened(model.outputs),
    bounds: model.bounds ?? null,
    maxDrift: model.maxDrift ?? null,
    keepGenerations: model.keepGenerations,
    every: formatDuration(model.everyMs),
    refresh: model.refresh,
    maxAge: model.maxAgeMs === undefined ? 'never' : formatDuration(model.maxAgeMs),
    overlap: model.overlap,
    batchSize: model.batchSize,
    staleAfter: formatDuration(model.staleAfterMs),
    unknownCategories: model.unknownCategories,
    expireAfter: model.expireAfterMs === undefined ? 'never' : formatDuration(model.expireAfterMs),
    startFrom: [...model.startFrom],
  };
}

function queryView({ query, url, timeLimitMs }: Omit<CategoryQuery, 'column'>): object {
  return { query, url: url === undefined ? null : maskUrl(url), timeLimit: formatDuration(timeLimitMs) };
}

function featuresView({ from, url, timeLimitMs, column, time, missing, defaults }: FeatureSettings): object {
  const query = 'query' in from && queryView({ query: from.query, url, timeLimitMs });
  return {
    ...('file' in from && { file: from.file }),
    ...('rows' in from && { rows: from.rows.length }),
    ...query,
    ...{ column, time: time ?? null, missing, defaults: { ...defaults } },
  };
}

function inputView(source: InputSource): unknown {
  return source.from === 'columns' ? source.columns.map(columnView) : columnView(source);
}

function columnView(source: ColumnSource): Record<string, unknown> {
  const transform = 'transform' in source && source.transform !== undefined ? { transform: source.transform } : {};
  switch (source.from) {
    case 'axis':
      return { axis: source.axis, ...transform };
    case 'category':
      return 'as' in source ? { category: source.as, vocabulary: shortened(source.vocabulary) } : { category: true };
    case 'constant':
      return { constant: source.value };
    case 'feature':
      return { feature: source.feature };
    case 'clock':
      return { clock: source.field, timezone: source.timezone, ...transform };
  }
}

const MOST_SHOWN = 50;

function shortened(values: readonly (number | string)[]): unknown {
  if (values.length <= MOST_SHOWN) return [...values];
  return { count: values.length, first: values[0], last: values.at(-1) };
}
