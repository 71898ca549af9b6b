import pc from 'picocolors';
import type { HeldModel } from '#jobs/cycle/held-model';
import type { QueueState } from '#jobs/queue-state';
import { queueProblems } from '#workers/cli/queue-problems';
import { queueReport } from '#workers/cli/queue-report';

const NOW = new Date('2026-11-24T04:30:00Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);
const depths = { waiting: 0, active: 0, delayed: 0, waitingChildren: 0, failed: 0, completed: 0 };

function queueOf(name: string, more: Partial<QueueState> = {}): QueueState {
  return { name, role: 'scheduler', depths, oldest: null, workers: ['a'], schedules: [], ...more };
}

const schedule = { id: 'warm-calls', everyMs: 20_000, cron: null, nextAt: later(12_000) };
const warm = queueOf('warm', { schedules: [schedule] });
const batch = queueOf('warm-batch', { role: 'worker', workers: ['a', 'b', 'b'] });
const publish = queueOf('publish');
const expected = {
  schedules: [{ id: 'warm-calls', job: 'warm', everyMs: 20_000 }],
  models: [{ name: 'calls', everyMs: 20_000 }],
};
const held: HeldModel = {
  model: 'calls',
  cycle: '20261124t042957-3a2957',
  startedAt: later(-3_000),
  batches: { left: 1, all: 2 },
  lost: false,
};

const oldest = (ageMs: number, model: string | null = 'calls') => ({ id: '7', model, ageMs });

test.each<[string, QueueState[], HeldModel[], string[]]>([
  ['all is well', [warm, batch, publish], [held], []],
  [
    'no daemon of a role is alive',
    [warm, { ...batch, workers: [] }, publish],
    [],
    ['no daemon with the role worker is alive: nobody takes jobs from warm-batch'],
  ],
  [
    'one queue of a role has nobody',
    [warm, batch, { ...publish, workers: [] }],
    [],
    ['nobody takes jobs from publish'],
  ],
  [
    'no daemon at all',
    [
      { ...warm, workers: [] },
      { ...batch, workers: [] },
      { ...publish, workers: [] },
    ],
    [],
    [
      'no daemon with the role scheduler is alive: nobody takes jobs from warm, publish',
      'no daemon with the role worker is alive: nobody takes jobs from warm-batch',
    ],
  ],
  [
    'it is not known who is alive',
    [
      { ...warm, workers: null },
      { ...batch, workers: null },
    ],
    [],
    [],
  ],
  ['a job waits for a period', [warm, { ...batch, oldest: oldest(20_000) }], [], []],
  [
    'a job waits for longer than the period of its model',
    [warm, { ...batch, oldest: oldest(185_000) }],
    [],
    ['the oldest waiting job of warm-batch waits for 3m 5s, longer than the period of calls (20s)'],
  ],
  [
    'a job without a model waits for longer than its own period',
    [{ ...warm, oldest: oldest(21_000, null) }, batch],
    [],
    ['the oldest waiting job of warm waits for 21s, longer than its period (20s)'],
  ],
  ['a job of a model that is not configured waits', [warm, { ...batch, oldest: oldest(1e9, 'other') }], [], []],
  ['a schedule is missing', [{ ...warm, schedules: [] }, batch], [], ['the schedule warm-calls is missing']],
  ['a schedule is late', [{ ...warm, schedules: [{ ...schedule, nextAt: later(-20_000) }] }, batch], [], []],
  [
    'a schedule is late by more than its period',
    [{ ...warm, schedules: [{ ...schedule, nextAt: later(-61_000) }] }, batch],
    [],
    ['the schedule warm-calls should have run 1m 1s ago'],
  ],
  [
    'the jobs of a cycle are gone',
    [warm, batch],
    [{ ...held, batches: null, lost: true }],
    ['the jobs of cycle 20261124t042957-3a2957 are gone: the next cycle of calls takes its place'],
  ],
])('%s', (_name, queues, running, problems) => {
  expect(queueProblems(queues, running, expected, NOW)).toEqual(problems);
});

const view = { columns: 80, colours: pc.createColors(false), now: NOW };
const document = { queues: [warm, batch, publish], running: [held], paused: [], problems: [] };

test('a report has depths, schedules, daemons and what runs, and says that nothing is wrong', () => {
  const queues = [
    warm,
    { ...batch, depths: { ...depths, waiting: 3, active: 2, failed: 1 }, oldest: oldest(4_000) },
    { ...publish, depths: { ...depths, waitingChildren: 1, completed: 99 } },
  ];
  const paused = [{ model: 'calls', since: later(-90_000) }];
  expect(queueReport({ ...document, queues, paused }, view).split('\n')).toEqual([
    'queue       waiting  active  delayed  joining  failed  done  oldest  workers',
    'warm              0       0        0        0       0     0                1',
    'warm-batch        3       2        0        0       1     0      4s        3',
    'publish           0       0        0        1       0    99                1',
    '',
    'schedule    every  next run  at (UTC)',
    'warm-calls  20s    in 12s    2026-11-24 04:30:12',
    '',
    'daemons  scheduler: a',
    '         worker: a, 2 on b',
    'running  calls: cycle 20261124t042957-3a2957 for 3s, 1 of 2 batches left',
    'paused   calls: since 2026-11-24 04:28:30 UTC, 1m 30s ago',
    '',
    'Nothing is wrong: each role has a daemon, and no job waits for too long.',
  ]);
});

test.each([
  [['one thing'], ['Something is wrong: one thing.']],
  [
    ['one thing', 'another'],
    ['Something is wrong:', '  one thing', '  another'],
  ],
])('what is wrong comes last: %j', (problems, last) => {
  const lines = queueReport({ ...document, running: [], problems }, view).split('\n');
  expect(lines).toContain('running  no cycle');
  expect(lines.slice(-last.length)).toEqual(last);
});

test('a Redis that does not list its clients and has no schedule is told as it is', () => {
  const queues = [warm, batch, publish].map((queue) => ({ ...queue, workers: null, schedules: [] }));
  const report = queueReport({ ...document, queues }, view);
  expect(report).toContain('\nThere is no schedule: ');
  expect(report).toContain('\ndaemons  scheduler: not known\n         worker: not known\n');
  expect(report).toMatch(/\n\nNo job waits for too long\. Whether daemons are alive is not known: /);
});
