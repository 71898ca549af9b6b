import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeProgram } from '#workers/cli/program';
import { DaemonProcess } from '../support/daemon-process';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';
import { NO_COLOURS } from './cli/command';

/** Every command that the README and the docs show is one that works. */

jest.setTimeout(60_000);

const ROOT = join(__dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'workers', 'main.js');
const run = promisify(execFile);

/** How a command is verified. */
type How =
  /** Run as it stands, in the folder of a running `up`; it has to end well and to answer something. */
  | { readonly by: 'running it' }
  /** This line of this file runs it. */
  | { readonly by: 'file'; readonly file: string; readonly line: RegExp };

/** Every command there may be in a code block. A new one fails the test below until it says here how it is verified. */
const VERIFIED: readonly (readonly [command: RegExp, how: How])[] = [
  [
    /^forewarm (alerts|doctor|env|generations|predict|show|status|cycles|queues|warm|jobs|backups|migrate|config (check|show)|help)\b/,
    { by: 'running it' },
  ],
  [/^forewarm (backup --wait|backup (verify|diff) latest|restore latest( --dry-run)?)$/, { by: 'running it' }],
  [
    /^forewarm model inspect samples\/montco911\/model\.onnx$/,
    { by: 'file', file: 'tests/slow/cli/model.test.ts', line: /model\('inspect', SAMPLE\)/ },
  ],
  [/^forewarm( --json)? --(version|help)$/, { by: 'running it' }],
  [
    /^forewarm up( --check)?$/,
    { by: 'file', file: 'tests/slow/up.test.ts', line: /say\(\['up', '--check'\], folder\)/ },
  ],
  [
    /^forewarm start( --roles [\w,]+)?$/,
    { by: 'file', file: 'tests/support/system.ts', line: /daemon\(.*\['start'\]/ },
  ],
  [/^\.\/scripts\/up( --check)?$/, { by: 'file', file: '.ci/run', line: /\.\/scripts\/up --check/ }],
  [/^\.\/scripts\/test( --fast| --slow)?$/, { by: 'file', file: '.ci/run', line: /^\.\/scripts\/test\b/m }],
  [
    /^\.\/scripts\/bench warm( --categories \d+| --model (mlp|trees))+$/,
    { by: 'file', file: 'tests/slow/bench.test.ts', line: /bench\('warm', '--categories', '\d+', '--model'/ },
  ],
  [
    /^\.\/scripts\/bench scale( --model (mlp|trees)| --workers [\d,]+)+$/,
    { by: 'file', file: 'tests/slow/bench.test.ts', line: /bench\('scale', '--model', '\w+', '--workers'/ },
  ],
  [
    /^\.\/scripts\/bench read( --categories \d+| --rounds \d+)*$/,
    { by: 'file', file: 'tests/slow/bench.test.ts', line: /bench\('read', '--categories', '\d+', '--rounds'/ },
  ],
  [
    /^\.\/scripts\/bench recover( --categories \d+| --reads \d+)*$/,
    { by: 'file', file: 'tests/slow/bench.test.ts', line: /bench\('recover', '--categories', '\d+', '--reads'/ },
  ],
  [
    /^\.\/scripts\/bench backup( --categories \d+)?$/,
    { by: 'file', file: 'tests/slow/bench.test.ts', line: /bench\('backup', '--categories', '\d+'/ },
  ],
  [/^\.\/scripts\/check-architecture$/, { by: 'file', file: 'scripts/test', line: /scripts\/check-architecture/ }],
];

interface Shown {
  readonly command: string;
  /** `README.md:12`. */
  readonly where: string;
}

const pages = ['README.md', ...markdownIn('docs')].map(
  (file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const,
);
const shown = pages.flatMap(([file, text]) => commandsInBlocks(file, text));
const toRun = [...new Set(shown.map(({ command }) => command))].filter(
  (command) => howOf(command)?.by === 'running it',
);

test('each command of a code block says how it is verified', () => {
  const unknown = shown.filter(({ command }) => howOf(command) === undefined);
  expect(unknown).toEqual([]);
  expect(shown.map(({ command }) => command)).toEqual(expect.arrayContaining(['./scripts/up', './scripts/test']));
});

test('what another file is said to run, it runs', () => {
  for (const [, how] of VERIFIED) {
    if (how.by === 'file') expect(readFileSync(join(ROOT, how.file), 'utf8')).toMatch(how.line);
  }
});

test('each command and option that the text names is there', () => {
  const named = pages.flatMap(([file, text]) =>
    [...text.matchAll(/`(?:npx )?forewarm ([^`]+)`/g)].map(([, words = '']) => ({ file, words })),
  );
  const wrong = named.filter(({ words }) => !isThere(words.split(/\s+/)));
  expect(wrong).toEqual([]);
});

test('npx finds the command line of a checkout', async () => {
  // npm keeps logs and caches, and looks for a newer npm.
  const cache = makeTempFolder('npm');
  const env = { ...process.env, npm_config_cache: cache, npm_config_update_notifier: 'false' };
  const npx = run('npx', ['--no-install', 'forewarm', '--version'], { cwd: ROOT, env });
  const { stdout } = await npx.finally(() => removeFolders(cache));
  expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
});

describe('against a running `forewarm up`', () => {
  let folder: string;
  let up: DaemonProcess | undefined;

  beforeAll(async () => {
    folder = makeTempFolder('readme');
    const sample = readFileSync(join(ROOT, 'forewarm.yaml'), 'utf8').replaceAll('samples/', `${ROOT}/samples/`);
    writeFileSync(join(folder, 'forewarm.yaml'), sample);
    up = new DaemonProcess(['up', '--set', 'http.port=0'], { cwd: folder, env: NO_COLOURS });
    await up.printed('A first prediction');
  });
  afterAll(async () => {
    await up?.stop();
    removeFolders(folder);
  });

  test.each(toRun.length === 0 ? ['forewarm status'] : toRun)('%s', async (command) => {
    // As it stands, quotes and all, but with the program of this checkout.
    const line = command.replace(/^forewarm/, '"$0" "$1"');
    const env = { ...process.env, ...NO_COLOURS };
    const { stdout, stderr } = await run('sh', ['-c', line, process.execPath, MAIN], { cwd: folder, env });
    expect(stdout).toMatch(/\S/);
    expect(stderr).toBe('');
  });
});

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
}

/** The commands of ours in `sh` and `console` blocks; in the latter, behind a prompt. */
function commandsInBlocks(file: string, text: string): Shown[] {
  const blocks = text.matchAll(/^[ \t]*```(sh|bash|shell|console)[^\n]*\n([\s\S]*?)^[ \t]*```/gm);
  return [...blocks].flatMap((block) => {
    const [, kind, content = ''] = block;
    const firstLine = text.slice(0, block.index).split('\n').length + 1;
    const joined = content.replace(/\\\n\s*/g, ' ').split('\n');
    return joined.flatMap((raw, i) => {
      if (kind === 'console' && !/^\s*\$ /.test(raw)) return [];
      const command = raw
        .replace(/^\s*(\$ )?(npx (?=forewarm ))?/, '')
        .replace(/\s+#.*$/, '')
        .trim();
      return /^(forewarm|\.\/scripts\/)/.test(command) ? [{ command, where: `${file}:${firstLine + i}` }] : [];
    });
  });
}

function howOf(command: string): How | undefined {
  return VERIFIED.find(([pattern]) => pattern.test(command))?.[1];
}

/** Whether these words name a command of ours, with options that it has. */
function isThere(words: readonly string[]): boolean {
  const program = makeProgram();
  let command = program;
  for (const word of words) {
    const below = command.commands.find((one) => one.name() === word);
    if (below === undefined) break;
    command = below;
  }
  const options = [...program.options, ...command.options].map(({ long }) => long);
  const given = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
  const placeholder = /^[A-Z]+$/.test(words[0] ?? '');
  const known = command !== program || placeholder || words[0]?.startsWith('--') === true;
  return known && given.every((option) => option === '--help' || option === '--version' || options.includes(option));
}
