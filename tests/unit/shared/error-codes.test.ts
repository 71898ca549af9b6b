import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CATALOGUE, type ErrorCode, ForewarmError } from '#shared/errors';
import { errorReference } from '../../../scripts/src/docs/errors';

const root = join(__dirname, '../../..');
const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

/** The text of every source file of the product but the catalogue itself, by its path. */
function sources(): Map<string, string> {
  const folders = ['shared/src', 'jobs/src', 'workers/src'];
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
  const others = paths.filter((path) => path !== join('shared/src', 'errors.ts'));
  return new Map(others.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

const CODE = /\bFW_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g;
/** A code as a value: in quotes. In comments it has none. */
const QUOTED = /'(FW_[A-Z0-9_]+)'/g;

function used(): Set<string> {
  const found = [...sources().values()].flatMap((text) => Array.from(text.matchAll(QUOTED), ([, code]) => code ?? ''));
  return new Set(found);
}

test('every code in the sources is in the catalogue, also those in comments', () => {
  const strays = [...sources()].flatMap(([path, text]) =>
    (text.match(CODE) ?? []).filter((code) => !(code in ERROR_CATALOGUE)).map((code) => `${path}: ${code}`),
  );
  expect(strays).toEqual([]);
});

test('every code of the catalogue is used somewhere', () => {
  const found = used();
  expect(found.size).toBeGreaterThan(20);
  expect(codes.filter((code) => !found.has(code))).toEqual([]);
});

describe('docs/errors.md', () => {
  const lines = errorReference().split('\n');

  test.each(codes)('has %s once, under its exit code', (code) => {
    const places = lines.flatMap((line, number) => (line.startsWith(`| \`${code}\` |`) ? [number] : []));
    expect(places).toHaveLength(1);
    const above = lines.slice(0, places[0]).filter((line) => line.startsWith('Exit code '));
    expect(above[above.length - 1]).toBe(`Exit code ${new ForewarmError(code, 'x').exitCode}.`);
    const { means, next, retryable } = ERROR_CATALOGUE[code];
    expect(lines[places[0] ?? 0]).toBe(`| \`${code}\` | ${means} | ${next} | ${retryable ? 'yes' : 'no'} |`);
  });

  test('has no other code', () => {
    const named = lines.flatMap((line) => /^\| `(FW_\w+)` \|/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...codes].sort());
  });
});

test('every code that a page names is in the catalogue', () => {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  expect(pages).toContain('errors.md');
  const strays = pages.flatMap((name) =>
    (readFileSync(join(root, 'docs', name), 'utf8').match(CODE) ?? [])
      .filter((code) => !(code in ERROR_CATALOGUE))
      .map((code) => `${name}: ${code}`),
  );
  expect(strays).toEqual([]);
});
