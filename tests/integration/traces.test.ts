import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, someCategories, TestSystem } from '../support/system';
import { type ReceivedSpan, TraceReceiver } from '../support/trace-receiver';
import { ask } from './http-api/client';

/** Traces by OTLP, received by a server of the test. */

jest.setTimeout(120_000);

const categories = someCategories(6);
const [FIRST = '', BAD = ''] = categories;
/** Not the first ones, on which a model is tried. */
const SLOW = categories[5] ?? '';

let system: TestSystem;
let receiver: TraceReceiver;

beforeEach(async () => {
  system = await TestSystem.start({ settings: { watchdog: { every: '1h' } } });
  receiver = await TraceReceiver.start();
});
afterEach(async () => {
  await system.stop();
  await receiver.stop();
});

const cycleOf = (state: string) =>
  receiver.span((span) => isCycle(span) && span.attributes['forewarm.state'] === state);
const isCycle = ({ name }: ReceivedSpan) => name === 'forewarm.cycle';
/** All spans of a cycle have been sent: its own is the last to end. */
const batchesOf = async (cycle: ReceivedSpan, count: number) =>
  eventually('its batches', () => {
    const found = receiver.below(cycle).filter(({ name }) => name === 'forewarm.batch');
    return found.length === count && found;
  });

test('a cycle is one trace: its batches below it, and below each inference and writing', async () => {
  system.configureSmall(categories, { every: '1h', batchSize: 2 });
  const daemon = system.daemon(['start'], receiver.env);
  const { cycle, live } = await daemon.cycle();

  const span = await cycleOf('complete');
  expect(span.parentSpanId).toBeUndefined();
  expect(span.attributes).toEqual({
    'forewarm.model': 'm',
    'forewarm.cycle': cycle,
    'forewarm.generation': live,
    'forewarm.trigger': 'startup',
    'forewarm.state': 'complete',
    'forewarm.batches': 3,
    'forewarm.rows': 6,
    'forewarm.rows.computed': 6,
    'forewarm.rows.restored': 0,
    'forewarm.rows.verified': 0,
    'forewarm.rows.failed': 0,
    'forewarm.rows.durable': 6,
  });
  expect(span.resource).toMatchObject({ 'service.name': 'forewarm', 'process.pid': daemon.pid });
  // It may hold the password of a server.
  expect(receiver.text).not.toContain('command');

  const batches = await batchesOf(span, 3);
  expect(batches.map(({ attributes }) => attributes['forewarm.batch']).sort()).toEqual([0, 1, 2]);
  for (const batch of batches) {
    expect(batch.attributes).toMatchObject({
      'forewarm.model': 'm',
      'forewarm.cycle': cycle,
      'forewarm.categories': 2,
      'forewarm.mode': 'fill',
      'forewarm.state': 'complete',
      'forewarm.rows.computed': 2,
      'forewarm.rows.durable': 2,
    });
    const stages = receiver.below(batch);
    expect(stages.map(({ name, attributes }) => [name, attributes['forewarm.to']]).sort()).toEqual([
      ['forewarm.infer', undefined],
      ['forewarm.write', 'postgres'],
      ['forewarm.write', 'redis'],
    ]);
    for (const one of [batch, ...stages]) {
      expect(one.beganMs).toBeGreaterThanOrEqual(span.beganMs);
      expect(one.endedMs).toBeLessThanOrEqual(span.endedMs + 1);
      expect(one.endedMs).toBeGreaterThanOrEqual(one.beganMs);
    }
  }
  // Nothing of the queue's own, and no name of a category.
  const names = new Set(receiver.spans.map(({ name }) => name));
  expect([...names].sort()).toEqual(['forewarm.batch', 'forewarm.cycle', 'forewarm.infer', 'forewarm.write']);
  expect(receiver.text).not.toContain('category 0');
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test('a cycle that one daemon plans and another computes is one trace', async () => {
  system.configureSmall(categories, { every: '1h', batchSize: 2 });
  const scheduler = system.daemon(['start', '--roles', 'scheduler'], receiver.env);
  const worker = system.daemon(['start', '--roles', 'worker'], { ...receiver.env, OTEL_SERVICE_NAME: 'workers' });
  await scheduler.cycle();

  const span = await cycleOf('complete');
  expect(span.resource).toMatchObject({ 'service.name': 'forewarm', 'process.pid': scheduler.pid });
  for (const batch of await batchesOf(span, 3)) {
    expect(batch.resource).toMatchObject({ 'service.name': 'workers', 'process.pid': worker.pid });
    expect(receiver.below(batch)).toHaveLength(3);
  }
});

test('each cycle has a trace of its own, and one with rows that failed says why without naming them', async () => {
  system.configureSmall(categories, { model: { poison: { input: 'category', equals: BAD } }, every: '1s' });
  const daemon = system.daemon(['start'], receiver.env);
  const { cycle } = await daemon.cycle('degraded');
  await daemon.cycle('degraded', daemon.mark);

  const cycles = await eventually('two cycles', () => {
    const found = receiver.spans.filter(isCycle);
    return found.length >= 2 && found;
  });
  expect(new Set(cycles.map(({ traceId }) => traceId)).size).toBe(cycles.length);
  const span = cycles.find(({ attributes }) => attributes['forewarm.cycle'] === cycle);
  expect(span?.attributes).toMatchObject({
    'forewarm.rows.failed': 1,
    'forewarm.reason': '1 row failed: FW_VALUE_NOT_FINITE',
  });
  expect(receiver.text).not.toContain(BAD);
});

test('a batch that fails and a cycle that cannot be planned have their errors', async () => {
  const slow = { iterations: 2_000_000_000, when: { input: 'category', equals: SLOW } };
  system.configureSmall(categories, {
    every: '1h',
    batchSize: 3,
    model: { slow },
    settings: { inference: { processes: 2, timeLimit: '1s' } },
  });
  const daemon = system.daemon(['start'], receiver.env);
  await daemon.cycle('degraded');

  const span = await cycleOf('degraded');
  expect(span.attributes['forewarm.reason']).toBe('3 rows failed: FW_INFERENCE_TIME_LIMIT');
  const failed = receiver.below(span).filter((batch) => batch.failed);
  expect(failed.map(({ attributes }) => attributes['forewarm.again'])).toEqual([false, true, true]);
  for (const { attributes, errors } of failed) {
    expect(attributes).toMatchObject({ 'forewarm.state': 'failed', 'error.type': 'FW_INFERENCE_TIME_LIMIT' });
    expect(errors).toEqual([
      expect.objectContaining({
        'exception.type': 'FW_INFERENCE_TIME_LIMIT',
        'exception.message': expect.stringMatching(/^[A-Z].*\.$/),
      }),
    ]);
  }

  system.write('m.onnx', 'no model');
  await system.queue('warm').add('warm', { model: 'm', trigger: 'command' });
  const notPlanned = await cycleOf('failed');
  expect(notPlanned).toMatchObject({ failed: true, attributes: { 'error.type': 'FW_MODEL_NOT_ONNX' } });
  expect(receiver.below(notPlanned)).toEqual([]);
});

test('a read over HTTP has a span for each tier that it tried, in the trace of the client', async () => {
  system.configureSmall(categories, { every: '1h' });
  const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api'], receiver.env);
  const generation = String((await daemon.cycle()).live);
  const url = await daemon.url();
  const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const headers = { traceparent: `00-${traceId}-${spanId}-01` };
  const row = `/v1/models/m/rows?${new URLSearchParams({ category: FIRST })}`;
  const readIn = (call: string, tier?: string) =>
    receiver.span(
      ({ name, attributes }) =>
        name === 'forewarm.read' && attributes['forewarm.call'] === call && attributes['forewarm.tier'] === tier,
    );
  const tiersOf = (read: ReceivedSpan) =>
    receiver.below(read).map(({ name, attributes }) => [name, attributes['forewarm.outcome']]);

  expect((await ask(url, row, { headers })).status).toBe(200);
  const read = await readIn('row', 'redis');
  expect([read.traceId, read.parentSpanId]).toEqual([traceId, spanId]);
  expect(read.attributes).toMatchObject({ 'forewarm.model': 'm', 'forewarm.generation': generation });
  expect(tiersOf(read)).toEqual([
    ['forewarm.read.memory', 'miss'],
    ['forewarm.read.redis', 'hit'],
  ]);

  const cell = `/v1/models/m/predictions?${new URLSearchParams({ category: FIRST, day: '1', hour: '1' })}`;
  expect((await ask(url, cell)).status).toBe(200);
  const held = await readIn('predict', 'memory');
  expect(held.parentSpanId).toBeUndefined();
  expect(tiersOf(held)).toEqual([['forewarm.read.memory', 'hit']]);

  await system.client.del(system.cache().keys.row(generation, BAD));
  const items = [FIRST, BAD].map((category) => ({ category, coordinates: { day: 1, hour: 1 } }));
  await ask(url, '/v1/models/m/predictions', { method: 'POST', body: { items }, headers });
  const many = await readIn('predictMany');
  expect([many.traceId, many.parentSpanId]).toEqual([traceId, spanId]);
  expect(many.attributes).toMatchObject({ 'forewarm.questions': 2, 'forewarm.rejected': 0 });
  expect(receiver.below(many).map(({ attributes }) => attributes)).toEqual([
    {
      'forewarm.tier': 'memory',
      'forewarm.outcome': 'miss',
      'forewarm.rows.hit': 1,
      'forewarm.rows.miss': 1,
    },
    { 'forewarm.tier': 'redis', 'forewarm.outcome': 'miss', 'forewarm.rows.miss': 1 },
    { 'forewarm.tier': 'postgres', 'forewarm.outcome': 'hit', 'forewarm.rows.hit': 1 },
  ]);

  // Wrong coordinates are the client's, and nothing was asked for.
  const refused = cell.replace('day=1', 'day=9');
  expect((await ask(url, refused)).status).toBe(400);
  const wrong = await receiver.span(({ attributes }) => attributes['error.type'] === 'FW_CELL_UNKNOWN');
  expect([wrong.name, wrong.failed]).toEqual(['forewarm.read', false]);
  expect(receiver.text).not.toContain('category 0');
});

test.each([
  ['is not there', true],
  ['takes everything and never answers', false],
])('a receiver that %s holds nothing up, is told once, and the daemon stops in time', async (_what, away) => {
  const other = await TraceReceiver.start({ answers: false });
  const { env } = other;
  if (away) await other.stop();
  try {
    system.configureSmall(categories, { every: '1s' });
    const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api'], {
      ...env,
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
    });
    const toldOf = () => daemon.lines.filter(({ message }) => message === 'traces');
    await daemon.logged(({ message }) => message === 'traces');
    for (let i = 0; i < 3; i++) await daemon.cycle('complete', daemon.mark);
    if (!away) expect(other.unanswered).toBeGreaterThan(0);
    expect(toldOf()).toEqual([expect.objectContaining({ level: 'warn', error: expect.any(String) })]);
    expect(daemon.stderr).toBe('');
    const began = performance.now();
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(5_000);
  } finally {
    await other.stop();
  }
});

test('without the variable a daemon loads nothing of the SDK, and its jobs carry nothing', async () => {
  system.configureSmall(categories, { every: '1h' });
  const probe = system.write(
    'probe.cjs',
    `process.on('exit', () => require('node:fs').writeFileSync(
       require('node:path').join(__dirname, 'loaded-' + process.pid), JSON.stringify(Object.keys(require.cache))));`,
  );
  const loadedBy = async (env: Record<string, string>): Promise<string[]> => {
    const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api'], {
      ...env,
      NODE_OPTIONS: `--require ${probe}`,
    });
    await daemon.logged(({ message }) => message === 'forewarm is running');
    await daemon.stop();
    const files = JSON.parse(readFileSync(join(system.folder, `loaded-${daemon.pid}`), 'utf8')) as string[];
    const packages = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file);
    return [...new Set(packages)].filter((name) => /opentelemetry|bullmq-otel|dist\/workers\/tracing/.test(name));
  };
  const off = await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: '' });
  // prom-client brings the interface without the SDK.
  expect(off.filter((name) => !name.endsWith('/dist/workers/tracing/tracing.js'))).toEqual(['@opentelemetry/api']);
  const { opts } = (await system.queue('publish').getJobs())[0] ?? {};
  expect(opts?.telemetry).toBeUndefined();
  expect(await loadedBy(receiver.env)).toEqual(expect.arrayContaining(['@opentelemetry/sdk-node', 'bullmq-otel']));
});
