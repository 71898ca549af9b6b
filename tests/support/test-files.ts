import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeTempFolder, removeFolders } from './servers/temp-folder';

export const REPOSITORY = resolve(__dirname, '../..');

/**
 * Runs Jest on test files of their own, given by name, in two workers and in the environment of our tests; answers its report.
 * They find what the repository has in `node_modules`, and the support files under their absolute paths.
 */
export function runTestFiles(files: Record<string, string>): { code: number | null; report: string } {
  const root = makeTempFolder('test-files');
  try {
    mkdirSync(join(root, 'tests'));
    symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
    for (const [name, body] of Object.entries(files)) writeFileSync(join(root, 'tests', `${name}.test.js`), body);
    const config = {
      rootDir: root,
      cacheDirectory: join(root, 'cache'),
      testEnvironment: join(REPOSITORY, 'tests/support/jest/environment.cjs'),
      testEnvironmentOptions: { leakGraceMs: 500 },
      transform: { '/tests/support/.*\\.ts$': '@swc/jest' },
      maxWorkers: 2,
    };
    writeFileSync(join(root, 'jest.config.json'), JSON.stringify(config));
    const { status, stderr } = spawnSync(process.execPath, [join(REPOSITORY, 'node_modules/jest/bin/jest.js')], {
      cwd: root,
      encoding: 'utf8',
      timeout: 90_000,
    });
    return { code: status, report: stderr };
  } finally {
    removeFolders(root);
  }
}
