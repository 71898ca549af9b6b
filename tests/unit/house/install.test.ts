import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(__dirname, '../../..');
const ordinary = ['bash', 'sh', 'cat', 'chmod', 'cp', 'mktemp', 'rm', 'tee', 'env'];
let machine: string;

/** A machine whose PATH has only ordinary tools and these programs, each the text of a shell script; output before errors. */
function run(command: string, programs: Record<string, string>): { code: number | null; output: string } {
  const bin = join(machine, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const tool of ordinary) {
    const path = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    if (!existsSync(join(bin, tool))) symlinkSync(path, join(bin, tool));
  }
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const script = `set -euo pipefail; . scripts/lib/install.sh; policy_file=${machine}/policy-rc.d; ${command}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    cwd: repository,
    encoding: 'utf8',
    env: { PATH: bin, BIN: bin, MACHINE: machine, TMPDIR: machine },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { code: status, output: stdout + stderr };
}

/** Installs redis-server, and does what a Debian package does: asks the policy whether to start the service. */
const aptGet = `
echo "apt-get $* ($DEBIAN_FRONTEND)" >> "$MACHINE/calls"
[ "$1" = install ] || exit 0
"$MACHINE/policy-rc.d"; echo "policy $?" >> "$MACHINE/calls"
printf '#!/bin/sh\\n' > "$BIN/redis-server"; chmod 755 "$BIN/redis-server"`;
const root = 'echo 0';
const user = 'echo 1000';

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'forewarm-install-'));
});

afterEach(() => {
  rmSync(machine, { recursive: true, force: true });
});

test.each(['redis-server', 'valkey-server'])('%s on the PATH is enough', (server) => {
  expect(run('ensure_redis', { [server]: '', id: root, 'apt-get': 'exit 1' })).toEqual({ code: 0, output: '' });
});

test('root gets it installed, and the service of the package does not start', () => {
  const { code, output } = run('ensure_redis; echo ready', { id: root, 'apt-get': aptGet });

  expect(output).toMatch(/^ready\nInstalling redis-server \(.*\) …\n$/);
  expect(code).toBe(0);
  expect(readFileSync(join(machine, 'calls'), 'utf8')).toBe(
    'apt-get update -qq ()\napt-get install -y -qq --no-install-recommends redis-server (noninteractive)\npolicy 101\n',
  );
  expect(existsSync(join(machine, 'policy-rc.d'))).toBe(false);
});

test.each(['succeeds', 'fails'])('a policy that was there is there again when the installation %s', (outcome) => {
  const policy = '#!/bin/sh\nexit 0 # of the machine\n';
  writeFileSync(join(machine, 'policy-rc.d'), policy, { mode: 0o755 });

  const { code } = run('ensure_redis', { id: root, 'apt-get': outcome === 'fails' ? 'exit 100' : aptGet });

  expect(readFileSync(join(machine, 'policy-rc.d'), 'utf8')).toBe(policy);
  expect(code).toBe(outcome === 'fails' ? 1 : 0);
});

test('another user without a terminal is told the command', () => {
  const { code, output } = run('ensure_redis', {
    id: user,
    'apt-get': 'touch "$MACHINE/called"',
    sudo: 'touch "$MACHINE/called"',
  });

  expect(output).toMatch(
    /^redis-server is missing.*\n {2}sudo sh -c 'apt-get update .*'\nRun this, then start again\.\n$/,
  );
  expect(code).toBe(1);
  expect(existsSync(join(machine, 'called'))).toBe(false);
});

test('a machine without a known package manager is told what is missing', () => {
  const { code, output } = run('ensure_redis', { id: root });

  expect(output).toBe(
    'Forewarm needs redis-server or valkey-server on the PATH, and knows no package manager here to install it with.\n',
  );
  expect(code).toBe(1);
});

/** What some tests need and others do without: nobody is asked for it. */
describe.each([
  {
    what: 'Docker Compose',
    ensure: 'ensure_compose',
    package: 'docker-compose',
    leftOut: /the test that gives it docker-compose\.yml is left out\.\n$/,
    enough: [
      ['docker-compose', { 'docker-compose': '[ "$1" = version ]' }],
      ['docker compose', { docker: '[ "$1 $2" = "compose version" ]' }],
    ] as const,
  },
  {
    what: 'Chromium',
    ensure: 'ensure_chromium',
    package: 'chromium',
    leftOut: /the tests of the dashboard in a browser are left out\.\n$/,
    enough: [
      ['chromium', { chromium: '[ "$1" = --version ]' }],
      ['google-chrome', { 'google-chrome': '[ "$1" = --version ]', 'chromium-browser': 'exit 1' }],
    ] as const,
  },
])('$what', ({ ensure, package: name, leftOut, enough }) => {
  /** Installs a program that works or, as one does whose surroundings have moved on, does not. */
  const installing = (code: number): string =>
    `echo "apt-get $*" >> "$MACHINE/calls"; [ "$1" = install ] || exit 0
printf '#!/bin/sh\\nexit ${code}\\n' > "$BIN/${name}"; chmod 755 "$BIN/${name}"`;

  test.each(enough)('%s is enough', (_, programs) => {
    const machine: Record<string, string> = { ...programs, id: root, 'apt-get': 'exit 1' };
    expect(run(ensure, machine)).toEqual({ code: 0, output: '' });
  });

  test('root gets it installed', () => {
    const { code, output } = run(ensure, { docker: 'exit 1', id: root, 'apt-get': installing(0) });

    expect([code, output]).toEqual([0, expect.stringMatching(new RegExp(`^Installing ${name} \\(.*\\) …\n$`))]);
    expect(readFileSync(join(machine, 'calls'), 'utf8')).toBe(
      `apt-get update -qq\napt-get install -y -qq --no-install-recommends ${name}\n`,
    );
  });

  test.each<[string, Record<string, string>]>([
    ['it does not work once installed', { id: root, 'apt-get': installing(1) }],
    ['it cannot be installed', { id: root, 'apt-get': 'exit 100' }],
    ['there is no apt', { id: root }],
    ['the user is not root', { id: user, 'apt-get': `touch "$BIN/${name}"` }],
  ])('where %s, that is said and the tests go on', (_, programs) => {
    expect(run(ensure, programs)).toEqual({ code: 0, output: expect.stringMatching(leftOut) });
  });
});

describe('faketime', () => {
  /** Installs a faketime that works, or does not. */
  const installing = (code: number): string =>
    `echo "apt-get $*" >> "$MACHINE/calls"; [ "$1" = install ] || exit 0
printf '#!/bin/sh\\nexit ${code}\\n' > "$BIN/faketime"; chmod 755 "$BIN/faketime"`;

  test('on the PATH is enough', () => {
    const programs = { faketime: '[ "$*" = "-m -f +0s true" ]', id: root, 'apt-get': 'exit 1' };
    expect(run('ensure_faketime', programs)).toEqual({ code: 0, output: '' });
  });

  test('root gets it installed', () => {
    const { code, output } = run('ensure_faketime', { id: root, 'apt-get': installing(0) });

    expect([code, output]).toEqual([0, expect.stringMatching(/^Installing faketime \(.*\) …\n$/)]);
    expect(readFileSync(join(machine, 'calls'), 'utf8')).toBe(
      'apt-get update -qq\napt-get install -y -qq --no-install-recommends faketime\n',
    );
  });

  test.each<[string, Record<string, string>]>([
    ['it does not work once installed', { id: root, 'apt-get': installing(1) }],
    ['it cannot be installed', { id: root, 'apt-get': 'exit 100' }],
    ['there is no apt', { id: root }],
    ['the user is not root', { id: user, 'apt-get': 'touch "$BIN/faketime"' }],
  ])('where %s, that is said and the tests go on', (_, programs) => {
    const leftOut = expect.stringMatching(/the tests that set the clock are left out\.\n$/);
    expect(run('ensure_faketime', programs)).toEqual({ code: 0, output: leftOut });
  });
});

test.each([
  ['20.19.0', 0],
  ['24.1.0', 0],
  ['20.18.9', 1],
  ['18.20.0', 1],
])('Node.js %s: exit code %d', (version, code) => {
  // The real node, which believes to be of that version.
  const node = `
    [ "$1" = --version ] && echo v${version} && exit 0
    shift; exec ${process.execPath} -e "Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); $1"`;

  const result = run('ensure_node', { node, npm: '' });

  expect(result.code).toBe(code);
  expect(result.output).toBe(
    code === 0 ? '' : `Forewarm needs Node.js 20.19 or newer; this is v${version} (${join(machine, 'bin/node')}).\n`,
  );
});

describe('packages', () => {
  const lock = (packages: Record<string, object>) => JSON.stringify({ packages: { '': {}, ...packages } });
  const isInstalled = (locked: Record<string, object>, installed: Record<string, object> | undefined): boolean => {
    const files = {
      'package-lock.json': lock(locked),
      ...(installed && { 'node_modules/.package-lock.json': lock(installed) }),
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(machine, path)), { recursive: true });
      writeFileSync(join(machine, path), content);
    }
    const script = join(repository, 'scripts/lib/packages-installed.cjs');
    return spawnSync(process.execPath, [script], { cwd: machine }).status === 0;
  };
  const locked = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0', optional: true } };

  test.each<[string, Record<string, object> | undefined, boolean]>([
    ['all are there', locked, true],
    ['an optional one is not there', { 'node_modules/a': { version: '1.0.0' } }, true],
    ['there is no list, as after an interruption', undefined, false],
    ['one is missing', { 'node_modules/b': { version: '2.0.0' } }, false],
    ['one has another version', { 'node_modules/a': { version: '1.0.1' } }, false],
    ['they are those of another platform', { ...locked, 'node_modules/c': { version: '1.0.0', os: ['other'] } }, false],
  ])('%s', (_, installed, expected) => {
    expect(isInstalled(locked, installed)).toBe(expected);
  });
});
