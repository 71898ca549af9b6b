import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Tracing } from '#workers/tracing/tracing';

const root = join(__dirname, '../../..');
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

/** The packages of OpenTelemetry that requiring a file of the product loads, in a process of its own. */
function loadedBy(file: string): string[] {
  const script = `
    // What a process for inference speaks to.
    process.send ??= () => true;
    require(${JSON.stringify(join(root, 'dist', file))});
    require('node:fs').writeSync(1, JSON.stringify(Object.keys(require.cache)));
    process.exit();`;
  const files: string[] = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: root }));
  const packages = files.flatMap((path) => /node_modules\/(@opentelemetry\/[^/]+|bullmq-otel)/.exec(path)?.[1] ?? []);
  return [...new Set(packages)];
}

test('a daemon loads no more of OpenTelemetry than prom-client brings, and an inference process nothing', () => {
  expect(loadedBy('workers/daemon.js')).toEqual(['@opentelemetry/api']);
  expect(loadedBy('shared/inference/inference-process.js')).toEqual([]);
});

test.each([
  ['no endpoint', {}],
  ['an empty one', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  ['a disabled SDK', { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }],
  ['an exporter that is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
])('with %s nothing is traced, and work is done as ever', async (_what, env) => {
  const reports: unknown[] = [];
  const tracing = new Tracing(env, { report: (...report) => reports.push(report) });
  await tracing.start();
  expect([tracing.telemetry, tracing.reads, reports]).toEqual([undefined, undefined, []]);
  const payload = {
    ...{ cycle: 'c', number: 0, model: 'm', generation: '0123456789ab', mode: 'fill' as const },
    ...{ copyKept: false, categories: ['a'] },
  };
  const end = { outcome: 'done', summary: 1 };
  expect(await tracing.batch(payload, false, async () => end)).toBe(end);
  await tracing.stop();
  await tracing.stop();
});
