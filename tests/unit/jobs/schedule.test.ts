import { parsePayload } from '#jobs/job-shape';
import { registry } from '#jobs/registry';
import { schedulesOf } from '#jobs/schedule';
import type { Config, ModelConfig } from '#shared/config/types';

function modelNamed(name: string, everyMs: number): ModelConfig {
  return {
    name,
    file: `/models/${name}.onnx`,
    version: undefined,
    axes: [{ name: 'hour', values: [0, 1] }],
    categories: ['a'],
    categorySource: 'configuration',
    inputs: {},
    features: undefined,
    categoryQuery: undefined,
    categoryProblem: undefined,
    output: undefined,
    classes: undefined,
    bounds: undefined,
    maxDrift: undefined,
    keepGenerations: 2,
    categoryColumn: undefined,
    minCategories: 1,
    maxRemovedShare: 0.5,
    outputs: undefined,
    everyMs,
    refresh: 'always',
    maxAgeMs: undefined,
    overlap: 'skip',
    batchSize: 'auto',
    staleAfterMs: 300_000,
    unknownCategories: 'compute',
    expireAfterMs: undefined,
    startFrom: ['postgres', 'model'],
  };
}

const config: Config = {
  keyPrefix: 'forewarm',
  redis: { cacheUrl: 'redis://127.0.0.1:6379', queueUrl: 'redis://127.0.0.1:6379' },
  postgres: { url: undefined, connectTimeoutMs: 2_000, statementTimeoutMs: 15_000, poolSize: 4 },
  http: {
    host: '127.0.0.1',
    port: 0,
    exposeWithoutAuthentication: false,
    tokens: [],
    rateLimit: 'off',
    requestTimeoutMs: 10_000,
    maxBodyBytes: 8 * 1024 ** 2,
    maxBatch: 10_000,
  },
  log: { level: 'info', format: 'json' },
  roles: ['scheduler', 'worker'],
  inference: { processes: 'auto', timeLimitMs: 60_000, brokenAfter: 3 },
  reader: { memoryBytes: 64 * 1024 ** 2, deadlineMs: 5_000, processes: 1 },
  shutdown: { graceMs: 10_000 },
  watchdog: { everyMs: 5_000 },
  history: {
    keepForMs: 604_800_000,
    keepCycles: 50_000,
    keepBatchesOf: 200,
    keepLogsOf: 200,
    keepAlertsMs: 86_400_000,
  },
  backup: {
    schedule: 'off',
    timezone: 'UTC',
    folder: '/backups',
    folderNamed: false,
    compression: 'gzip',
    values: 'numbers',
    keep: { last: 7, daily: 14, weekly: 8 },
  },
  alerts: {
    ...{ off: [], fireAfterMs: 'auto', resolveAfterMs: 60_000, remindEveryMs: 14_400_000, minCoverage: 0.99 },
    ...{ failedCycles: 3, cycleDeadlineMs: 'auto', missedTicks: 3, queueMemory: 0.9, fallThrough: 0.05 },
    ...{ backupAgeMs: 'auto', minDiskFree: 0.05, maxClockSkewMs: 2_000, runBooks: undefined },
    webhook: { url: undefined, secret: undefined },
    slack: { url: undefined },
    email: { smtp: undefined, from: undefined, to: [] },
  },
  limits: { cellsPerRow: 65_536, gridBytes: 4 * 1024 ** 3 },
  models: [modelNamed('calls', 20_000), modelNamed('trips', 60_000)],
  source: { path: '/forewarm.yaml', origins: {} },
};

test('every model has a tick of its own, and the history is pruned each hour', () => {
  expect(schedulesOf(registry.definitions, config)).toEqual([
    {
      ...{ id: 'warm-calls', job: 'warm', key: 'calls', everyMs: 20_000 },
      payload: { model: 'calls', trigger: 'schedule' },
    },
    {
      ...{ id: 'warm-trips', job: 'warm', key: 'trips', everyMs: 60_000 },
      payload: { model: 'trips', trigger: 'schedule' },
    },
    { id: 'prune-history-all', job: 'prune-history', key: 'all', everyMs: 3_600_000, payload: {} },
  ]);
});

test('what a schedule adds is data that its job takes', () => {
  const schedules = schedulesOf(registry.definitions, config);
  expect(schedules).not.toHaveLength(0);
  for (const { job, payload } of schedules) {
    const definition = registry.get(job);
    if (definition === undefined) throw new Error(`no job is named ${job}`);
    expect(parsePayload(definition, payload)).toEqual(payload);
  }
});

test('ids of schedules are different', () => {
  const ids = schedulesOf(registry.definitions, config).map((schedule) => schedule.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a batch may take longer in the queue than in its inference process, and wait for the one before it', () => {
  const limitOf = (name: string) => registry.get(name)?.timeLimitMs(config);
  expect(limitOf('warm-batch')).toBe(180_000);
  expect(limitOf('publish')).toBe(60_000);
});
