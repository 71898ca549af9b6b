import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namedMetrics } from '../../../scripts/src/docs/metrics';

const ROOT = join(__dirname, '../../..');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);
const RULES = 'deploy/prometheus/forewarm.rules.yml';
const NAME = /\bforewarm_[a-z_]+/g;

test('metric names agree', () => {
  const known = namedMetrics();
  for (const { name, type, labels, help } of known) {
    expect(name).toMatch(/^forewarm_[a-z][a-z_]*$/);
    // Names tell units: a count ends in _total, as Prometheus has it.
    const isBucket = name.endsWith('_bucket');
    expect(`${name} ${type === 'counter' && !isBucket ? name.endsWith('_total') : true}`).toBe(`${name} true`);
    expect(name).not.toMatch(/_(ms|millis|milliseconds|kb|mb|percent)(_|$)/);
    expect(labels).not.toContain('category');
    expect(help).toMatch(/\.$/);
  }
  const names = new Set(known.map(({ name }) => name));
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
  const named = [...PAGES, RULES]
    .flatMap((path) => Array.from(readFileSync(join(ROOT, path), 'utf8').matchAll(NAME), ([name]) => ({ path, name })))
    .filter(({ name }) => !/^forewarm_(process|nodejs)_/.test(name));
  expect(named.length).toBeGreaterThan(names.size);
  expect(named.filter(({ name }) => !names.has(name) && !names.has(base(name)))).toEqual([]);
});
