/** The rules on imports that dependency-cruiser checks. Paths are relative to the root; `$1` is the group of `from.path`. */
const workspaces = '^(shared|jobs|workers|scripts)/';

export const importRules = [
  {
    name: 'shared-is-the-lowest-layer',
    severity: 'error',
    comment: 'shared knows no job, no worker and no script: move the code down, or pass it in',
    from: { path: '^shared/' },
    to: { path: '^(jobs|workers|scripts)/' },
  },
  {
    name: 'jobs-import-only-shared',
    severity: 'error',
    comment: 'jobs says what can run, not how: it may import shared only',
    from: { path: '^jobs/' },
    to: { path: '^(workers|scripts)/' },
  },
  {
    name: 'workers-do-not-import-scripts',
    severity: 'error',
    comment: 'scripts are on top: nothing imports them',
    from: { path: '^workers/' },
    to: { path: '^scripts/' },
  },
  {
    name: 'shared-knows-no-queue-and-no-http',
    severity: 'error',
    comment: 'shared imports neither a queue, nor an HTTP server, nor a command line',
    from: { path: '^shared/' },
    to: { path: '(^|/)(bullmq|fastify|@fastify/[^/]+|commander)(/|$)' },
  },
  {
    name: 'no-cycle',
    severity: 'error',
    comment:
      'modules that import each other (types count too) cannot be understood apart: move what both need to a third file',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-barrel-from-inside',
    severity: 'error',
    comment: 'an index.ts is for those outside its workspace: import the file itself',
    from: { path: workspaces },
    to: { path: '^$1/.*/index\\.ts$' },
  },
  {
    name: 'no-relative-path-into-another-workspace',
    severity: 'error',
    comment: 'write #shared/…, #jobs/… or #workers/…',
    from: { path: workspaces },
    to: { path: workspaces, pathNot: '^$1/', dependencyTypesNot: ['aliased'] },
  },
  {
    name: 'nothing-imports-tests',
    severity: 'error',
    comment: 'the product must not depend on its tests',
    from: { pathNot: '^tests/' },
    to: { path: '^tests/' },
  },
  {
    name: 'no-unresolvable',
    severity: 'error',
    comment: 'this import leads nowhere: wrong path, or a package that is not installed',
    from: {},
    to: { couldNotResolve: true },
  },
];
