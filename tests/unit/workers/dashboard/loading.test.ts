import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');

/** Which of these packages requiring a file of the product loads, in a process of its own. */
function loads(file: string, packages: readonly string[]): string[] {
  const script = `
    require(${JSON.stringify(join(root, 'dist/workers', file))});
    console.log(JSON.stringify(Object.keys(require.cache)));`;
  const files: string[] = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: root }));
  return packages.filter((name) => files.some((path) => path.includes(`/node_modules/${name}/`)));
}

test('a daemon loads bull-board for its role only', () => {
  const packages = ['@bull-board/api', '@bull-board/fastify', '@bull-board/ui', '@fastify/static', 'ejs'];
  expect(loads('daemon.js', ['fastify', ...packages])).toEqual(['fastify']);
  expect(loads('dashboard/dashboard.js', packages)).toEqual(expect.arrayContaining(['@bull-board/api', 'ejs']));
});
