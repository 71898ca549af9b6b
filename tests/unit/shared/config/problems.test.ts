import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

/** One wrong setting each; the expected problem says what of it matters. */
const SETTINGS: [string, object][] = [
  ['keyPrefix: Fore', { path: 'keyPrefix', given: '"Fore"', from: 'forewarm.yaml:1' }],
  ['keyPrefix: 7', { path: 'keyPrefix', expected: expect.stringContaining('quotes') }],
  ['redis: { cache: "http://x" }', { path: 'redis.cache', expected: expect.stringContaining('rediss://') }],
  ['redis: { cache: "redis://host/db" }', { path: 'redis.cache' }],
  ['redis: { queue: relative.sock }', { path: 'redis.queue', given: '"relative.sock"' }],
  ['postgres: { url: "mysql://x/y" }', { path: 'postgres.url' }],
  ['postgres: { poolSize: 0 }', { path: 'postgres.poolSize', expected: 'a whole number from 1 to 100' }],
  ['postgres: { connectTimeout: -2s }', { path: 'postgres.connectTimeout', given: '"-2s"' }],
  ['postgres: { connectTimeout: 2 }', { expected: expect.stringContaining('with its unit') }],
  ['http: { host: example.org }', { path: 'http.host', expected: expect.stringContaining('an IP address') }],
  ['http: { exposeWithoutAuthentication: 1 }', { path: 'http.exposeWithoutAuthentication', given: '1' }],
  ['http: { port: "1" }', { path: 'http.port', given: '"1"' }],
  ['http: { port: 65536 }', { path: 'http.port', expected: 'a whole number from 0 to 65535' }],
  ['http: 7878', { path: 'http', given: '7878', expected: 'a map of settings' }],
  ['log: { level: verbose }', { expected: 'one of `error`, `warn`, `info`, `debug`' }],
  ['roles: []', { path: 'roles', given: 'an empty list' }],
  ['roles: [worker, worker]', { path: 'roles[1]', expected: 'each word once' }],
  ['roles: [boss]', { path: 'roles[0]', given: '"boss"' }],
  ['inference: { processes: 257 }', { expected: '`auto` or a whole number from 1 to 256' }],
  ['limits: { gridBytes: 512MB }', { path: 'limits.gridBytes', expected: expect.stringContaining('512MiB') }],
  ['htp: { port: 1 }', { kind: 'unknown', path: 'htp', suggestion: 'http' }],
  ['http: { prot: 1 }', { kind: 'unknown', path: 'http.prot', suggestion: 'port', from: 'forewarm.yaml:1' }],
  ['log: { level: info, level: warn }', { path: 'log.level', given: 'the name twice' }],
];

test.each(SETTINGS)('%s', (yaml, problem) => expect(workspace.problems(minimal(yaml))).toMatchObject([problem]));

const OPTIONS: [string, object, object][] = [
  ['a variable', { environment: { FOREWARM_HTTP__PORT: 'x' } }, { from: 'environment variable FOREWARM_HTTP__PORT' }],
  ['a flag', { overrides: { 'http.port': '1.5' } }, { path: 'http.port', given: '"1.5"', from: 'command line' }],
  ['a flag of a list', { overrides: { roles: 'worker,boss' } }, { path: 'roles[1]', from: 'command line' }],
  ['an unknown flag', { overrides: { 'htp.port': '1' } }, { kind: 'unknown', suggestion: 'http.port' }],
  ['a flag of an unknown model', { overrides: { 'models.call.every': '1s' } }, { suggestion: 'models.calls.every' }],
  ['a flag of a map', { overrides: { 'models.calls.axes': 'x' } }, { kind: 'unknown', from: 'command line' }],
  ['an unknown variable', { environment: { FOREWARM_HTTP_PORT: '1' } }, { suggestion: 'FOREWARM_HTTP__PORT' }],
  ['a regular name', { environment: { FOREWARM_REDIS__CACHE: 'x' } }, { suggestion: 'FOREWARM_REDIS_URL' }],
  ['an unknown injected default', { defaults: { 'redis.url': 'x' } }, { from: 'set by the program' }],
];

test.each(OPTIONS)('%s', (_, options, problem) => {
  expect(workspace.problems(minimal(), options)).toMatchObject([problem]);
});

test('variables of tests, of Kubernetes services and empty ones are not refused', () => {
  const environment = {
    FOREWARM_CONFIG: 'elsewhere.yaml',
    FOREWARM_TEST_SERVER: '1',
    FOREWARM_ANYTHING: '',
    FOREWARM_REDIS_SERVICE_HOST: '10.0.0.1',
    FOREWARM_REDIS_SERVICE_PORT: '6379',
    FOREWARM_REDIS_SERVICE_PORT_MAIN: '6379',
    FOREWARM_REDIS_PORT: 'tcp://10.0.0.1:6379',
    FOREWARM_REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
    FOREWARMING: 'x',
  };
  expect(workspace.load(minimal(), { environment }).http.port).toBe(7878);
  expect(workspace.problems(minimal(), { environment: { FOREWARM_PORT: '80' } })).toMatchObject([{ kind: 'unknown' }]);
});

test('no password reaches a message or its details', () => {
  const yaml =
    'redis: { cache: "redis:/u:hunter2@h", queue: "redis://u:hunter2@h/x", passwrd: hunter2 }\npassword: hunter2';
  const error = workspace.refusal(minimal(`${yaml}\nkeyPrefix: redis://x:hunter2@h`), {
    environment: { FOREWARM_POSTGRES_URL: 'host=h password=hunter2', FOREWARM_PASSWORD: 'hunter2' },
    overrides: { 'redis.pasword': 'hunter2' },
  });
  expect(JSON.stringify([error.message, error.toJSON()])).not.toContain('hunter2');
  expect(error.details.problems).toHaveLength(8);
});

test.each([
  ['', undefined],
  ['models:\n', undefined],
  ['models: {}\n', 'an empty map'],
  ['models: [calls]\n', 'a list of 1'],
])('without a model %j is refused', (yaml, given) => {
  const problems = workspace.problems(yaml);
  expect(problems).toMatchObject([{ path: 'models', expected: expect.stringContaining('at least one model') }]);
  expect(problems[0]?.given).toBe(given);
});

test('names of what every object has are names like any other', () => {
  const yaml = minimal('__proto__: { http: { port: 1 } }\nconstructor: 1\nhttp: { toString: 1 }', 'hasOwnProperty: 1');
  expect(workspace.problems(yaml).map(({ kind, path }) => [kind, path])).toEqual(
    expect.arrayContaining([
      ['unknown', '__proto__'],
      ['unknown', 'constructor'],
      ['unknown', 'http.toString'],
      ['unknown', 'models.calls.hasOwnProperty'],
    ]),
  );
  expect(workspace.problems('models: { __proto__: { file: x } }')).toMatchObject([{}, {}, {}]);
});

test('everything that is wrong is told at once, in words', () => {
  const yaml = [
    'http: { port: 99999 }',
    'models:',
    '  calls:',
    '    file: m.onnx',
    '    axes: { hour: [0, 1, 1] }',
    '    categories: [a, "", a]',
    '    inputs: { x: { axis: huor } }',
    '    evry: 5s',
    '    staleAfter: 5',
    '  Other: {}',
  ].join('\n');
  const error = workspace.refusal(yaml, { environment: { FOREWARM_LOG__LEVEL: 'loud', FOREWARM_ROLE: 'worker' } });
  expect(error.message.replaceAll(`${workspace.folder}/`, '').split('\n')).toEqual([
    'forewarm.yaml: 13 problems',
    '  - FOREWARM_ROLE (environment): there is no such setting; did you mean `FOREWARM_ROLES`?',
    '  - http.port (forewarm.yaml:1): got 99999; expected a whole number from 0 to 65535',
    '  - log.level (environment variable FOREWARM_LOG__LEVEL): got "loud"; expected one of `error`, `warn`, `info`, `debug`',
    '  - models.calls.axes.hour[2] (forewarm.yaml:5): got 1; expected each value once; the same is at [1]',
    '  - models.calls.categories[1] (forewarm.yaml:6): got ""; expected a category of 1 to 512 bytes of UTF-8; this one is empty',
    '  - models.calls.categories[2] (forewarm.yaml:6): got "a"; expected each category once; the same is at categories[0]',
    '  - models.calls.staleAfter (forewarm.yaml:9): got 5; expected a duration from 1s to 3650d, such as 500ms, 20s, 5m or 7d, with its unit',
    '  - models.calls.evry (forewarm.yaml:8): there is no such setting; did you mean `every`?',
    '  - models.calls.inputs.x.axis (forewarm.yaml:7): got "huor"; expected one of the axes hour; did you mean `hour`?',
    '  - models.Other (forewarm.yaml:10): got "Other"; expected a name of 1 to 64 lower-case letters, digits, `-` and `_`, the first a letter or digit',
    '  - models.Other.file (forewarm.yaml:10): missing; expected the path of a file',
    '  - models.Other.axes (forewarm.yaml:10): missing; expected a map with at least one axis, such as hour: { from: 0, to: 23 }',
    '  - models.Other.categories (forewarm.yaml:10): missing; expected a list of at least one text, or { file: PATH, column: NAME }',
  ]);
});
