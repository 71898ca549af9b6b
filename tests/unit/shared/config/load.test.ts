import { join } from 'node:path';
import { loadConfig } from '#shared/config/load';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

test('all but the models has a default', () => {
  const { models, source, ...rest } = workspace.load(minimal());
  expect(rest).toEqual({
    keyPrefix: 'forewarm',
    redis: { cacheUrl: 'redis://127.0.0.1:6379', queueUrl: 'redis://127.0.0.1:6379' },
    postgres: { url: undefined, connectTimeoutMs: 2000, statementTimeoutMs: 15_000, poolSize: 4 },
    http: {
      host: '127.0.0.1',
      port: 7878,
      exposeWithoutAuthentication: false,
      tokens: [],
      rateLimit: 'off',
      requestTimeoutMs: 10_000,
      maxBodyBytes: 8 * 1024 ** 2,
      maxBatch: 10_000,
    },
    log: { level: 'info', format: 'auto' },
    roles: ['scheduler', 'worker', 'dashboard', 'api'],
    inference: { processes: 'auto', timeLimitMs: 60_000, brokenAfter: 3 },
    reader: { memoryBytes: 64 * 1024 ** 2, deadlineMs: 5000, processes: 1 },
    shutdown: { graceMs: 10_000 },
    watchdog: { everyMs: 5000 },
    history: {
      keepForMs: 604_800_000,
      keepCycles: 50_000,
      keepBatchesOf: 200,
      keepLogsOf: 200,
      keepAlertsMs: 400 * 86_400_000,
    },
    backup: {
      ...{ schedule: '15 3 * * *', timezone: 'UTC', compression: 'gzip', values: 'numbers' },
      ...{ folder: join(workspace.folder, 'backups'), folderNamed: false },
      keep: { last: 7, daily: 14, weekly: 8 },
    },
    alerts: {
      ...{ off: [], fireAfterMs: 'auto', resolveAfterMs: 60_000, remindEveryMs: 14_400_000, minCoverage: 0.99 },
      ...{ failedCycles: 3, cycleDeadlineMs: 'auto', missedTicks: 3, queueMemory: 0.9, fallThrough: 0.05 },
      ...{ backupAgeMs: 'auto', minDiskFree: 0.05, maxClockSkewMs: 2_000, runBooks: undefined },
      ...{ webhook: {}, slack: {}, email: { to: [] } },
    },
    limits: { cellsPerRow: 65_536, gridBytes: 4 * 1024 ** 3 },
  });
  expect(models).toEqual([
    {
      name: 'calls',
      file: join(workspace.folder, 'm.onnx'),
      version: undefined,
      axes: [{ name: 'hour', values: Array.from({ length: 24 }, (_, i) => i) }],
      categories: ['a', 'b'],
      categorySource: 'configuration',
      minCategories: 1,
      maxRemovedShare: 0.5,
      inputs: {},
      output: undefined,
      outputs: undefined,
      keepGenerations: 2,
      everyMs: 20_000,
      refresh: 'always',
      maxAgeMs: 86_400_000,
      overlap: 'skip',
      batchSize: 'auto',
      staleAfterMs: 300_000,
      unknownCategories: 'compute',
      expireAfterMs: undefined,
      startFrom: ['postgres', 'model'],
    },
  ]);
  expect(source.path).toBe(join(workspace.folder, 'forewarm.yaml'));
});

test('every part of the configuration is frozen', () => {
  const thawed: string[] = [];
  const look = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [name, member] of Object.entries(value)) look(member, `${path}.${name}`);
  };
  look(workspace.load(minimal('', 'inputs: { x: { axis: hour } }\noutputs: [a]')), 'config');
  expect(thawed).toEqual([]);
});

describe('precedence', () => {
  const file = minimal('http: { port: 3 }\nlog: { level: warn }');
  const environment = { FOREWARM_HTTP__PORT: '2' };
  const overrides = { 'http.port': '1' };
  const defaults = { 'http.port': '4', 'redis.cache': 'redis://injected', 'postgres.url': 'postgres://injected/db' };

  test.each([
    ['the flag', file, { overrides, environment, defaults }, 1],
    ['the environment', file, { environment, defaults }, 2],
    ['the file', file, { defaults }, 3],
    ['the injected default', minimal(), { defaults }, 4],
    ['the default', minimal(), {}, 7878],
  ])('%s counts', (_, yaml, options, port) => expect(workspace.load(yaml, options).http.port).toBe(port));

  test('injected connections serve both Redis roles, unless the queue is set', () => {
    expect(workspace.load(minimal(), { defaults }).redis).toEqual({
      cacheUrl: 'redis://injected',
      queueUrl: 'redis://injected',
    });
    const own = { defaults, environment: { FOREWARM_QUEUE_REDIS_URL: '/run/redis.sock' } };
    expect(workspace.load(minimal(), own).redis.queueUrl).toBe('/run/redis.sock');
  });

  test('where each setting came from is kept', () => {
    const { origins } = workspace.load(file, { environment, defaults }).source;
    expect(origins).toEqual({
      'http.port': 'environment variable FOREWARM_HTTP__PORT',
      'log.level': `${workspace.folder}/forewarm.yaml:2`,
      'postgres.url': 'set by the program',
      'redis.cache': 'set by the program',
    });
  });
});

test('variables and flags are text that is read as the type of the setting', () => {
  const config = workspace.load(minimal(), {
    environment: {
      FOREWARM_ROLES: 'worker, scheduler',
      FOREWARM_INFERENCE__PROCESSES: '3',
      FOREWARM_KEY_PREFIX: '7',
      FOREWARM_LIMITS__GRID_BYTES: '1GiB',
      FOREWARM_LOG__LEVEL: '',
    },
    overrides: { 'inference.timeLimit': '5s', 'models.calls.every': '5s', 'models.calls.batchSize': '7' },
  });
  expect(config).toMatchObject({
    roles: ['worker', 'scheduler'],
    inference: { processes: 3, timeLimitMs: 5000 },
    keyPrefix: '7',
    limits: { gridBytes: 1024 ** 3 },
    log: { level: 'info' },
    models: [{ everyMs: 5000, batchSize: 7 }],
  });
});

test('a name without a value counts as not set', () => {
  const config = workspace.load(minimal('http:\nlog:\n  level:\nroles:', 'version:\ninputs:\nevery:'));
  expect(config).toMatchObject({
    http: { port: 7878 },
    log: { level: 'info' },
    roles: ['scheduler', 'worker', 'dashboard', 'api'],
  });
});

test('the file is the one of the option, else of FOREWARM_CONFIG, else forewarm.yaml here', () => {
  const file = workspace.write('other.yaml', minimal());
  expect(loadConfig({ environment: { FOREWARM_CONFIG: file } }).source.path).toBe(file);
  const before = process.cwd();
  process.chdir(workspace.folder);
  try {
    workspace.write('forewarm.yaml', minimal('http: { port: 5 }'));
    expect(loadConfig({ environment: { FOREWARM_CONFIG: '' } }).source.origins).toEqual({
      'http.port': 'forewarm.yaml:1',
    });
  } finally {
    process.chdir(before);
  }
  expect(() => loadConfig({ path: 'none.yaml', environment: { FOREWARM_CONFIG: file } })).toThrow(/none\.yaml/);
});

test('the configuration at the root of the project is accepted', () => {
  const path = join(__dirname, '../../../../forewarm.yaml');
  const config = loadConfig({ path, environment: {} });
  expect(config.models).toMatchObject([{ name: 'calls', everyMs: 20_000, axes: [{ name: 'day' }, { name: 'hour' }] }]);
  expect(Object.keys(config.source.origins)).toEqual(['http.port']);
});
