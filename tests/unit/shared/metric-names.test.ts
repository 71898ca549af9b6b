import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namedMetrics } from '../../../scripts/src/docs/metrics';

const ROOT = join(__dirname, '../../..');
const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'));
const RULES = 'deploy/prometheus/forewarm.rules.yml';
const DASHBOARD = 'deploy/grafana/forewarm.json';
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

test('the dashboard shows every metric but those of memory and of what the library writes back, on panels that do not overlap', () => {
  const text = readFileSync(join(ROOT, DASHBOARD), 'utf8');
  const { panels } = JSON.parse(text) as {
    panels: { id: number; title: string; gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
  };
  const shown = new Set(Array.from(text.matchAll(NAME), ([name]) => name));
  const left = namedMetrics().filter(
    ({ name }) => ![name, `${name}_bucket`, `${name}_sum`].some((one) => shown.has(one)),
  );
  expect(left.map(({ name }) => name)).toEqual([
    'forewarm_backup_size_bytes',
    'forewarm_reader_memory_bytes',
    'forewarm_reader_memory_rows',
    'forewarm_rows_written_back_total',
    'forewarm_stale_reads_total',
  ]);
  const spots = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(spots).size).toBe(spots.length);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
});
