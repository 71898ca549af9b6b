import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(__dirname, '../../..');
const folders: string[] = [];

/** A tree with these files, beside stubs of the packages that rules name. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'forewarm-architecture-'));
  folders.push(root);
  const packages = ['bullmq', 'fastify', 'commander', '@fastify/helmet', 'zod'].flatMap((name) => [
    [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
    [`node_modules/${name}/index.js`, ''],
  ]);
  for (const [path, content] of [...packages, ...Object.entries(files)] as [string, string][]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

function check(root: string): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(repository, 'scripts/check-architecture'), [root], {
    encoding: 'utf8',
  });
  return { code: status, output: stdout + stderr };
}

const clean: Record<string, string> = {
  'shared/src/clock.ts': "import { z } from 'zod';\nexport const clock = z;\nexport interface Clock { now: number }\n",
  'shared/src/config/environment.ts': 'export const environment = process.env;\n',
  'shared/src/config/load.ts':
    "import { environment } from './environment';\n" +
    '// process.env is read elsewhere\n' +
    "export const note = 'process.env is not read here: ' + JSON.stringify(environment);\n",
  'shared/src/index.ts': "export * from './clock';\n",
  'jobs/src/registry.ts':
    "import { Queue } from 'bullmq';\nimport { clock } from '#shared/clock';\nexport const jobs = [Queue, clock];\n",
  'workers/src/main.ts':
    "import { jobs } from '#jobs/registry';\nimport type { Clock } from '#shared/index';\nimport { day } from './day.js';\n" +
    'export const run = (clock: Clock) => [clock, jobs, day];\n',
  'workers/src/day.ts': 'export const day = 1;\n',
  'scripts/src/train.ts': "import { run } from '#workers/main';\nexport const train = run;\n",
};

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('this checkout has no violation', () => {
  expect(check(repository)).toEqual({ code: 0, output: expect.stringMatching(/^\d+ modules, no violation\n$/) });
});

test('a clean tree passes', () => {
  expect(check(tree(clean))).toEqual({ code: 0, output: '8 modules, no violation\n' });
});

test.each<[rule: string, where: string, files: Record<string, string>]>([
  [
    'shared-is-the-lowest-layer',
    'shared/src/up.ts → jobs/src/registry.ts',
    { 'shared/src/up.ts': "export { jobs } from '#jobs/registry';" },
  ],
  [
    'shared-is-the-lowest-layer',
    'shared/src/up.ts → workers/src/day.ts',
    { 'shared/src/up.ts': "export const later = () => import('#workers/day');" },
  ],
  [
    'shared-is-the-lowest-layer',
    'shared/src/up.ts → jobs/src/kind.ts',
    {
      'shared/src/up.ts': "import type { Kind } from '#jobs/kind';\nexport type Up = Kind;",
      'jobs/src/kind.ts': 'export type Kind = 1;',
    },
  ],
  [
    'jobs-import-only-shared',
    'jobs/src/up.ts → workers/src/day.ts',
    { 'jobs/src/up.ts': "export { day } from '#workers/day';" },
  ],
  [
    'shared-knows-no-queue-and-no-http',
    'shared/src/queue.ts → node_modules/bullmq/index.js',
    { 'shared/src/queue.ts': "import type { Queue } from 'bullmq';\nexport type Line = Queue;" },
  ],
  [
    'shared-knows-no-queue-and-no-http',
    'shared/src/http.ts → node_modules/fastify/index.js',
    { 'shared/src/http.ts': "export { fastify } from 'fastify';" },
  ],
  [
    'shared-knows-no-queue-and-no-http',
    'shared/src/http.ts → node_modules/@fastify/helmet/index.js',
    { 'shared/src/http.ts': "export { fastify } from '@fastify/helmet';" },
  ],
  [
    'shared-knows-no-queue-and-no-http',
    'shared/src/cli.ts → node_modules/commander/index.js',
    { 'shared/src/cli.ts': "export const { Command } = require('commander');" },
  ],
  [
    'no-cycle',
    'shared/src/egg.ts → shared/src/hen.ts → shared/src/egg.ts',
    {
      'shared/src/egg.ts': "import { hen } from './hen';\nexport const egg = hen;",
      'shared/src/hen.ts': "import { egg } from './egg';\nexport const hen = () => egg;",
    },
  ],
  [
    'no-cycle',
    'shared/src/egg.ts → shared/src/hen.ts → shared/src/egg.ts',
    {
      'shared/src/egg.ts': "import type { Hen } from './hen';\nexport interface Egg { from: Hen }",
      'shared/src/hen.ts': "import type { Egg } from '#shared/egg';\nexport interface Hen { from: Egg }",
    },
  ],
  [
    'no-barrel-from-inside',
    'shared/src/lazy.ts → shared/src/index.ts',
    { 'shared/src/lazy.ts': "export { clock } from './index';" },
  ],
  [
    'no-barrel-from-inside',
    'shared/src/lazy.ts → shared/src/tiers/index.ts',
    { 'shared/src/lazy.ts': "export { tier } from './tiers';", 'shared/src/tiers/index.ts': 'export const tier = 1;' },
  ],
  [
    'no-relative-path-into-another-workspace',
    'jobs/src/reach.ts → shared/src/clock.ts',
    { 'jobs/src/reach.ts': "export { clock } from '../../shared/src/clock';" },
  ],
  [
    'nothing-imports-tests',
    'workers/src/fake.ts → tests/support/fake.ts',
    {
      'workers/src/fake.ts': "export { fake } from '../../tests/support/fake';",
      'tests/support/fake.ts': 'export const fake = 1;',
    },
  ],
  ['no-unresolvable', 'shared/src/lost.ts → ./gone', { 'shared/src/lost.ts': "export { gone } from './gone';" }],
  [
    'no-unresolvable',
    'shared/src/lost.ts → not-installed',
    { 'shared/src/lost.ts': "import type { Gone } from 'not-installed';\nexport type Lost = Gone;" },
  ],
  [
    'environment-in-one-file',
    'workers/src/home.ts:2',
    { 'workers/src/home.ts': '// where we live\nexport const home = process.env.HOME;' },
  ],
  [
    'environment-in-one-file',
    'workers/src/home.ts:1',
    { 'workers/src/home.ts': "import { env } from 'node:process';\nexport const home = env.HOME;" },
  ],
  [
    'environment-in-one-file',
    'workers/src/home.ts:1',
    { 'workers/src/home.ts': 'const { env } = process;\nexport const home = env.HOME;' },
  ],
])('%s: %s', (rule, where, files) => {
  const { code, output } = check(tree({ ...clean, ...files }));

  const violations = output.split('\n').filter((line) => /^[a-z-]+: /.test(line));
  expect(violations).toEqual([`${rule}: ${where}`]);
  expect(code).toBe(1);
});

test('workers must not import scripts', () => {
  const up = tree({ ...clean, 'workers/src/up.ts': "export const up = () => require('../../scripts/src/lonely');" });
  mkdirSync(join(up, 'scripts/src'), { recursive: true });
  writeFileSync(join(up, 'scripts/src/lonely.ts'), 'export const lonely = 1;');

  const { code, output } = check(up);

  expect(output).toContain('workers-do-not-import-scripts: workers/src/up.ts → scripts/src/lonely.ts');
  expect(code).toBe(1);
});
