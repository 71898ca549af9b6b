import { stringify } from 'yaml';
import { GLOBAL_SETTINGS } from '#shared/config/settings';
import { resolvedView } from '#shared/config/show';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

test('what is shown is shaped as the file, with units and without passwords', () => {
  const settings = 'redis: { cache: "redis://:hunter2@host" }\nlimits: { gridBytes: 1536MiB }\nhttp: { port: 1 }';
  const inputs = 'inputs: { a: { axis: hour }, b: { category: true }, c: { constant: 1.5 } }';
  const config = workspace.load(minimal(settings, `${inputs}\nexpireAfter: 90s`), {
    environment: { FOREWARM_POSTGRES_URL: 'postgres://u@h/d?password=hunter2' },
    overrides: { 'log.level': 'debug' },
  });
  const view = resolvedView(config);
  expect(stringify(view)).not.toContain('hunter2');
  expect(view.settings).toMatchObject({
    redis: { cache: 'redis://:***@host', queue: 'redis://:***@host' },
    postgres: { url: 'postgres://u@h/d?password=***', connectTimeout: '2s', statementTimeout: '15s', poolSize: 4 },
    limits: { gridBytes: '1536MiB' },
    history: { keepFor: '7d' },
  });
  expect(view.models.calls).toMatchObject({
    categories: { source: 'configuration', count: 2, first: ['a', 'b'] },
    inputs: { a: { axis: 'hour' }, b: { category: true }, c: { constant: 1.5 } },
    every: '20s',
    expireAfter: '90s',
  });
  expect(view.from).toMatchObject({
    'http.port': `${workspace.folder}/forewarm.yaml:3`,
    'log.level': 'command line',
    'postgres.url': 'environment variable FOREWARM_POSTGRES_URL',
    'log.format': 'default',
  });
});

test('each setting is shown, and nothing else', () => {
  const { settings } = resolvedView(workspace.load(minimal()));
  expect(pathsOf(settings).sort()).toEqual(GLOBAL_SETTINGS.map(({ key }) => key).sort());
});

function pathsOf(value: unknown): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [''];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner).map((path) => (path === '' ? key : `${key}.${path}`)),
  );
}

test('settings given back to the loader resolve to the same', () => {
  const first = workspace.load(minimal('history: { keepFor: 36h }'));
  const { settings } = resolvedView(first);
  const again = workspace.load(minimal(stringify(settings).trimEnd()));
  // That the folder is named now is all that is new.
  const backup = { ...first.backup, folderNamed: true };
  expect({ ...again, source: undefined }).toEqual({ ...first, backup, source: undefined });
});
