import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineJob, type JobDefinition } from '#jobs/define-job';
import { parsePayload } from '#jobs/job-shape';
import { Registry, registry } from '#jobs/registry';
import { ROLES } from '#shared/config/types';

const named = (name: string) =>
  defineJob({
    name,
    description: 'Does nothing.',
    role: 'worker',
    payload: z.strictObject({}),
    run: async () => ({ outcome: 'done', summary: null }),
  }) as JobDefinition;

const generation = '0123456789ab';
const cycle = '20261124t033704-4f9a1c';
/** Data that each job takes. */
const PAYLOADS: Record<string, Record<string, unknown>> = {
  warm: { model: 'calls', trigger: 'schedule' },
  'warm-batch': { cycle, number: 0, model: 'calls', generation, mode: 'compute', copyKept: false, categories: ['a'] },
  publish: {
    ...{ cycle, model: 'calls', generation, trigger: 'schedule', startedAtMs: 0 },
    ...{ batchSizes: [64, 46], batchStarts: ['a', 'b'], whole: '0123456789abcdef', copyKept: true },
  },
  'warm-on-startup': { model: 'calls' },
  'prune-history': {},
  backup: { model: 'calls', trigger: 'schedule' },
  restore: { model: 'calls', name: 'latest' },
};

describe('a registry', () => {
  test('finds jobs by their names', () => {
    const [a, b] = [named('a'), named('b')];
    const both = new Registry([a, b]);
    expect(both.definitions).toEqual([a, b]);
    expect([both.get('a'), both.get('b'), both.get('c'), both.get('constructor')]).toEqual([
      a,
      b,
      undefined,
      undefined,
    ]);
  });

  test('refuses two jobs of one name', () => {
    expect(() => new Registry([named('a'), named('b'), named('a')])).toThrow('two jobs are named a');
  });

  test.each(['', 'Warm', 'warm:batch', 'warm batch', '-warm', '1', 'warm_batch'])('refuses the name %j', (name) => {
    expect(() => new Registry([named(name)])).toThrow(`${name} cannot be the name of a job`);
  });
});

test('every file of definitions is a job of the registry, and every job has its file', () => {
  const files = readdirSync(join(__dirname, '../../../jobs/src/definitions')).map((file) => file.replace(/\.ts$/, ''));
  expect(registry.definitions.map((job) => job.name).sort()).toEqual(files.sort());
});

test('every job has data here', () => {
  expect(Object.keys(PAYLOADS).sort()).toEqual(registry.definitions.map((job) => job.name).sort());
});

describe.each(registry.definitions.map((job) => [job.name, job] as const))('%s', (name, job) => {
  const payload = PAYLOADS[name] ?? {};

  test('says what it does and who runs it', () => {
    expect(job.description).toMatch(/^[A-Z].*\.$/);
    expect(ROLES).toContain(job.role);
    expect(job.retries.attempts).toBeGreaterThanOrEqual(1);
    expect(['everywhere', 'inference']).toContain(job.concurrency);
  });

  test('takes its data as it is', () => {
    expect(parsePayload(job, payload)).toEqual(payload);
    expect(parsePayload(job, JSON.parse(JSON.stringify(payload)))).toEqual(payload);
  });

  test('refuses data with a key that it does not know', () => {
    const attempt = () => parsePayload(job, { ...payload, surprise: 1 });
    expect(attempt).toThrow(expect.objectContaining({ code: 'FW_JOB_PAYLOAD' }));
    expect(attempt).toThrow(`data of job ${name}: ✖ Unrecognized key: "surprise"`);
  });

  test.each([null, undefined, 'text', 7, []])('refuses %j as data', (data) => {
    expect(() => parsePayload(job, data)).toThrow(expect.objectContaining({ code: 'FW_JOB_PAYLOAD' }));
  });

  test('needs every key of its data', () => {
    for (const key of Object.keys(payload)) {
      const { [key]: _, ...others } = payload;
      expect(() => parsePayload(job, others)).toThrow(expect.objectContaining({ code: 'FW_JOB_PAYLOAD' }));
    }
    expect(parsePayload(job, payload)).toEqual(payload);
  });
});

test.each<[string, Record<string, unknown>, string]>([
  ['warm', { trigger: 'nightly' }, 'at trigger'],
  ['warm', { model: '' }, 'at model'],
  ['warm-batch', { mode: 'verify' }, 'at mode'],
  ['warm-batch', { number: -1 }, 'at number'],
  ['warm-batch', { number: 0.5 }, 'at number'],
  ['warm-batch', { categories: [] }, 'at categories'],
  ['warm-batch', { categories: ['a', 1] }, 'at categories[1]'],
  ['warm-batch', { generation: '0123' }, 'at generation'],
  ['publish', { batchSizes: [64, 0] }, 'at batchSizes[1]'],
  ['publish', { startedAtMs: 1.5 }, 'at startedAtMs'],
  ['publish', { trigger: 'nightly' }, 'at trigger'],
  ['publish', { whole: true }, 'at whole'],
  ['backup', { trigger: 'nightly' }, 'at trigger'],
  ['backup', { generation: 'previous' }, 'at generation'],
  ['restore', { name: '../backups/x' }, 'at name'],
  ['restore', { name: '/etc/passwd' }, 'at name'],
])('%s refuses %j', (name, change, place) => {
  const job = registry.get(name);
  if (job === undefined) throw new Error(`no job is named ${name}`);
  expect(() => parsePayload(job, { ...PAYLOADS[name], ...change })).toThrow(place);
});

test('what does not fit is told all at once', () => {
  const job = registry.get('warm-batch');
  if (job === undefined) throw new Error('warm-batch is gone');
  const attempt = () => parsePayload(job, { ...PAYLOADS['warm-batch'], number: 'one', mode: 'x' });
  expect(attempt).toThrow(/^data of job warm-batch: [\s\S]*at number[\s\S]*at mode/);
});

test('a job states only what differs from the defaults', () => {
  const job = named('a');
  expect(job).toMatchObject({ concurrency: 'everywhere', retries: { attempts: 3, firstDelayMs: 500 } });
  expect(registry.get('warm')).toMatchObject({ concurrency: 'everywhere', retries: { attempts: 1 } });
  expect(registry.get('warm-batch')).toMatchObject({ concurrency: 'inference' });
});
