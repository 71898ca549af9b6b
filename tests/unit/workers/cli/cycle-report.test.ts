import { failureGroups } from '#workers/cli/cycle-failures';
import { cycleReport } from '#workers/cli/cycle-report';
import { batchTime, stageTimes } from '#workers/cli/cycle-stages';
import { batchOf, cycleOf, view } from './cycles';

const nan = (category: string) => ({
  category,
  code: 'FW_VALUE_NOT_FINITE' as const,
  message: 'value 0 of 168 is NaN',
});

test('the times of each stage are summed over the batches that have them', () => {
  const stages = stageTimes([batchOf(0), batchOf(1), batchOf(2, { timings: null })]);
  expect(stages.map(({ stage, ms }) => [stage, ms])).toEqual([
    ['load', 0.2],
    ['read', 0],
    ['features', 0],
    ['infer', 120],
    ['pack', 0.8],
    ['redis', 19],
    ['postgres', 60],
  ]);
  expect(stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  expect(stages[3]?.share).toBeCloseTo(0.6);
  expect(stageTimes([batchOf(0, { timings: null })])).toEqual([]);
  expect([batchTime(batchOf(0)), batchTime(batchOf(0, { timings: null }))]).toEqual([90, undefined]);
});

test('stages that took no time at all have no share', () => {
  const timings = { wallMs: 0, loadMs: 0, readMs: 0, featuresMs: 0, inferMs: 0, packMs: 0, redisMs: 0, postgresMs: 0 };
  expect(stageTimes([batchOf(0, { timings })]).map(({ share }) => share)).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test('failures come by their cause, the most frequent first', () => {
  const groups = failureGroups([
    batchOf(0, { state: 'degraded', failures: [nan('a')], failedCategories: ['a', 'late'] }),
    batchOf(1, { state: 'failed', error: 'FW_INFERENCE_CRASHED: it died', failedCategories: ['b', 'c', 'd'] }),
    batchOf(2, { state: 'degraded', failures: [nan('e')], failedCategories: ['e'] }),
    batchOf(3, { state: 'degraded', error: 'connect ECONNREFUSED' }),
  ]);
  expect(groups).toEqual([
    { cause: 'FW_INFERENCE_CRASHED: it died', categories: ['b', 'c', 'd'] },
    { cause: 'FW_VALUE_NOT_FINITE: value 0 of 168 is NaN', categories: ['a', 'e'] },
    { cause: 'its cause was not kept', categories: ['late'] },
  ]);
});

test('a report has the cycle, its batches, its stages and what failed', () => {
  const cycle = cycleOf({ state: 'degraded', computed: 109, failed: 1, durable: 109, reason: '1 row failed' });
  const batches = [
    batchOf(0, { computed: 64, durable: 64 }),
    batchOf(1, {
      state: 'degraded',
      categories: 46,
      computed: 45,
      failed: 1,
      durable: 45,
      failures: [nan('東京')],
      failedCategories: ['東京'],
      error: 'writing rows: connection\nrefused',
    }),
  ];
  expect(cycleReport(cycle, batches, view).split('\n')).toEqual([
    '20261124t042439-3a2957  degraded',
    '  model    calls, generation 5bb49057b4f0',
    '  trigger  schedule, planned by build-1',
    '  started  2026-11-24 04:24:39 UTC, 5m 21s ago',
    '  took     206 ms',
    '  rows     110: 1 failed, 109 computed; 109 are in PostgreSQL',
    '  reason   1 row failed',
    '',
    'batch  state     categories  computed  restored  verified  failed   took',
    '    0  complete          64        64         0         0       0  90 ms',
    '    1  degraded          46        45         0         0       1  90 ms',
    '  writing rows: connection refused',
    '',
    'time by stage, all batches together',
    '  load      0.20 ms   <1 %  ▏',
    '  read      0.00 ms    0 %',
    '  features  0.00 ms    0 %',
    '  infer      120 ms   60 %  ██████████████████',
    '  pack      0.80 ms   <1 %  ▏',
    '  redis       19 ms   10 %  ██▉',
    '  postgres    60 ms   30 %  █████████',
    '',
    'failed',
    '  FW_VALUE_NOT_FINITE: value 0 of 168 is NaN',
    '    東京',
  ]);
});

test.each([
  [{ state: 'running', durationMs: null, batches: 2 }, '2 batches, recorded when the cycle ends'],
  [{ state: 'complete', batches: 1 }, '1 batch, of which nothing is kept (history.keepBatchesOf)'],
  [{ state: 'skipped', generation: null, batches: 0, expected: 0 }, '  rows     0'],
] as const)('a cycle without batches says why: %j', (more, last) => {
  const lines = cycleReport(cycleOf(more), [], view).split('\n');
  expect(lines.at(-1)).toBe(last);
  expect(lines.some((line) => line.includes('took'))).toBe(!('durationMs' in more));
});

test('long lists end with how many are left, and nothing that a terminal would obey is printed', () => {
  const categories = Array.from({ length: 300 }, (_, i) => `\u001b[2J category ${i} ${'x'.repeat(100)}`);
  const batches = Array.from({ length: 12 }, (_, number) =>
    batchOf(number, {
      state: 'failed',
      timings: null,
      error: `cause ${number}\u001b[2J`,
      failedCategories: categories,
    }),
  );
  const report = cycleReport(cycleOf({ state: 'failed', failed: 3_600 }), batches, view);
  expect(report.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  const lines = report.split('\n').slice(report.split('\n').indexOf('failed'));
  expect(lines.filter((line) => line === '    and 290 more; --json lists all')).toHaveLength(10);
  expect(lines.at(-1)).toBe('  and 2 more causes; --json lists all');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});
