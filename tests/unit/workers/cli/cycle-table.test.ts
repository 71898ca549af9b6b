import pc from 'picocolors';
import { cycleTable } from '#workers/cli/cycle-table';
import { widthOf } from '#workers/cli/terminal-text';
import { cycleOf, NOW, view } from './cycles';

const cycles = [
  cycleOf({
    id: '20261124t042959-aaaaaa',
    startedAt: new Date(NOW.getTime() - 1_000),
    state: 'running',
    durationMs: null,
  }),
  cycleOf({ computed: 110 }),
  cycleOf({
    state: 'degraded',
    restored: 5,
    computed: 104,
    failed: 1,
    durationMs: 1_240,
    reason: '1 row failed: EMS: CARDIAC EMERGENCY:\nvalue 0 of 168 is NaN; Postgres was not written',
  }),
];

test('a line for each cycle in 80 columns, and why it is not complete on one line', () => {
  expect(cycleTable(cycles, { ...view, models: 'one' }).split('\n')).toEqual([
    'cycle                   trigger   state     started    took  outcome',
    '20261124t042959-aaaaaa  schedule  running   1s ago',
    '20261124t042439-3a2957  schedule  complete  5m ago   206 ms  110 computed',
    '20261124t042439-3a2957  schedule  degraded  5m ago   1.24 s  1 failed, 5 restor…',
    '  1 row failed: EMS: CARDIAC EMERGENCY: value 0 of 168 is NaN; Postgres was not…',
  ]);
});

test('in more columns there is the model, the time of day and the number of rows', () => {
  const [head, , complete] = cycleTable(cycles.slice(0, 2), { ...view, columns: 120, models: 'one' }).split('\n');
  expect(head).toBe(
    'cycle                   model  trigger   state     started  at (UTC)               took  rows  outcome',
  );
  expect(complete).toContain('calls  schedule  complete  5m ago   2026-11-24 04:24:39  206 ms   110  110 computed');
});

test('the model is always named where there are several', () => {
  expect(cycleTable(cycles, { ...view, models: 'several' })).toMatch(/^cycle +model +trigger/);
  expect(cycleTable(cycles.slice(0, 2), { ...view, columns: 60, models: 'several' })).toMatch(/^cycle +model +trigger/);
});

test.each([
  ['complete', '\u001b[32m'],
  ['failed', '\u001b[31m'],
  ['degraded', '\u001b[33m'],
  ['cancelled', '\u001b[33m'],
  ['running', '\u001b[36m'],
  ['skipped', '\u001b[2m'],
] as const)('%s has its colour, which takes no room', (state, colour) => {
  const coloured = { ...view, colours: pc.createColors(true), models: 'one' as const };
  const lines = cycleTable([cycleOf({ state, failed: 2 })], coloured).split('\n');
  expect(lines[1]).toContain(`${colour}${state}`);
  expect(lines[1]).toContain('\u001b[31m2 failed');
  expect(widthOf(lines[1] ?? '')).toBeLessThanOrEqual(80);
});
