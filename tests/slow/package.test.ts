import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';
import { TestSystem } from '../support/system';

/** The package as `npm pack` makes it of a clean checkout, installed by npm into an empty folder, as an application uses it. */

jest.setTimeout(180_000);

const ROOT = join(__dirname, '..', '..');
const { version, dependencies, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** What a checkout has and a clean one has not. */
const MADE = ['.git', '.forewarm', 'coverage', 'dist', 'node_modules'];

const folder = makeTempFolder('package');
const checkout = join(folder, 'checkout');
const application = join(folder, 'application');
const installed = join(application, 'node_modules', 'forewarm');
// npm keeps logs and caches, and looks for a newer npm.
const env = { ...process.env, npm_config_cache: join(folder, 'npm'), npm_config_update_notifier: 'false' };

afterAll(() => removeFolders(folder));

beforeAll(() => {
  const clean = (source: string) =>
    !MADE.some((name) => source === join(ROOT, name) || source.endsWith('.tsbuildinfo'));
  cpSync(ROOT, checkout, { recursive: true, filter: clean });
  link('node_modules', checkout);
  // Built once from sources that are gone since.
  mkdirSync(join(checkout, 'dist', 'shared'), { recursive: true });
  writeFileSync(join(checkout, 'dist', 'shared', 'left-over.js'), '');
  run('npm', ['pack', '--pack-destination', folder], checkout);

  mkdirSync(application);
  writeFileSync(join(application, 'package.json'), '{ "private": true }');
  // npm finds there what the package says it needs, and asks no registry; what it does not say stays missing.
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (existsSync(join(ROOT, 'node_modules', name))) link(join('node_modules', name), application);
  }
  run('npm', ['install', '--offline', '--ignore-scripts', join(folder, `forewarm-${version}.tgz`)], application);
});

test('holds what is built of the sources as they are, and nothing else', () => {
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual(['jobs', 'shared', 'workers']);
  const shared = readdirSync(join(installed, 'dist', 'shared'));
  expect(shared).toContain('reader.js');
  expect(shared).not.toContain('left-over.js');
  expect(readdirSync(installed)).toEqual(expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'docs']));
});

test('its command tells its version, and checks the sample that it brings', () => {
  const command = join(application, 'node_modules', '.bin', 'forewarm');
  expect(run(command, ['--version'])).toBe(`${version}\n`);
  const config = join(installed, 'forewarm.yaml');
  expect(run(command, ['config', 'check', '--config', config])).toContain('18,480');
});

test('it is read from CommonJS and from ESM', () => {
  const use = 'console.log(typeof Predictor, cellIndex([{ name: "day", values: [0, 1] }], { day: 1 }));';
  const required = `const { Predictor } = require("forewarm"); const { cellIndex } = require("forewarm/format"); ${use}`;
  const imported = `import { Predictor } from "forewarm"; import { cellIndex } from "forewarm/format"; ${use}`;
  expect(run(process.execPath, ['-e', required])).toBe('function 1\n');
  expect(run(process.execPath, ['--input-type=module', '-e', imported])).toBe('function 1\n');
});

test('its types compile in a strict project, from ESM and from CommonJS', () => {
  const use = `import { Redis } from 'ioredis';
import { type Answer, type ErrorCode, ForewarmError, Predictor } from 'forewarm';
import { cellIndex } from 'forewarm/format';
export async function ask(): Promise<number | undefined> {
  const answer: Answer = await new Predictor({ redis: new Redis() }).predict('calls', 'a', { day: 3 });
  return answer.values['expected_calls'];
}
export const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof ForewarmError ? error.code : undefined);
export const cell: number = cellIndex([{ name: 'day', values: [0, 1] }], { day: 1 });
`;
  const wrong = `import { Predictor } from 'forewarm';\nexport const reader = new Predictor({ redis: 6379 });\n`;
  // What a project in TypeScript brings.
  link(join('node_modules', '@types', 'node'), application);
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const compilerOptions = { ...strict, module: 'nodenext', target: 'es2022', noEmit: true, types: ['node'] };
  const files = { 'use.mts': use, 'use.cts': use, 'wrong.mts': wrong };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(application, name), text);
  const compile = (...names: string[]): string => {
    writeFileSync(join(application, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: names }));
    try {
      return run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', application]);
    } catch (error) {
      return String((error as { stdout: unknown }).stdout);
    }
  };
  expect(compile('use.mts', 'use.cts')).toBe('');
  expect(compile('wrong.mts')).toMatch(/^wrong\.mts\(2,\d+\): error TS2322: .*'number'/);
});

test('the lines of the README read a prediction, with nothing but the address of a Redis', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, lines = ''] = /```ts\n([^`]*new Predictor[^`]*)```/.exec(readme) ?? [];
  expect(
    lines
      .trim()
      .split('\n')
      .filter((line) => line !== ''),
  ).toHaveLength(5);
  const system = await TestSystem.start();
  try {
    const { models } = parse(
      readFileSync(join(ROOT, 'forewarm.yaml'), 'utf8').replaceAll('samples/', `${ROOT}/samples/`),
    );
    system.configure(models);
    await system.daemon().cycle();
    writeFileSync(join(application, 'read.mts'), lines);
    const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', types: ['node'] };
    writeFileSync(join(application, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['read.mts'] }));
    run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', application]);
    const reading = { ...env, FOREWARM_REDIS_URL: system.redis.url };
    const said = execFileSync(process.execPath, ['read.mjs'], { cwd: application, env: reading, encoding: 'utf8' });
    expect(said).toMatch(/^\d+\.\d+ from redis \d+ ms old\n$/);
  } finally {
    await system.stop();
  }
});

/** What the command printed. */
function run(command: string, args: readonly string[], cwd = application): string {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
}

/** The same path in another folder, as a link to the one of this checkout. */
function link(path: string, into: string): void {
  mkdirSync(dirname(join(into, path)), { recursive: true });
  symlinkSync(join(ROOT, path), join(into, path));
}
