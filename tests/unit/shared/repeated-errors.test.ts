import type { Facts, Logger } from '#shared/logger';
import { RepeatedErrors } from '#shared/repeated-errors';

let lines: [string, Facts | undefined][];
let kept: [string, string, Facts | undefined][];
let nowMs: number;
let errors: RepeatedErrors;

beforeEach(() => {
  lines = [];
  kept = [];
  nowMs = 1_700_000_000_000;
  const silent = (): void => {
    throw new Error('only warnings are expected');
  };
  const log: Logger = {
    error: silent,
    info: silent,
    debug: silent,
    warn: (message, facts) => void lines.push([message, facts]),
    keep: (level, message, facts) => void kept.push([level, message, facts]),
    with: () => log,
  };
  errors = new RepeatedErrors(log, { now: () => nowMs }, 30_000);
});

test('the first error is told at once, with its facts', () => {
  errors.report('queue', new Error('refused'), { queue: 'warm' });
  expect(lines).toEqual([['queue', { error: 'refused', queue: 'warm' }]]);
});

test('what is not told again is kept for whoever asks later, each with its own facts', () => {
  for (const cycle of ['a', 'b', 'c']) errors.report('job failed', new Error('refused'), { cycle });
  expect(lines).toHaveLength(1);
  expect(kept).toEqual([
    ['warn', 'job failed', { error: 'refused', cycle: 'b' }],
    ['warn', 'job failed', { error: 'refused', cycle: 'c' }],
  ]);
});

test('thousands of the same become one line per period, with their number', () => {
  for (let i = 0; i < 5_000; i++) errors.report('queue', new Error('refused'));
  expect(lines).toEqual([['queue', { error: 'refused' }]]);
  nowMs += 29_999;
  errors.report('queue', new Error('refused'));
  expect(lines).toHaveLength(1);
  nowMs += 1;
  errors.report('queue', new Error('refused'));
  expect(lines.slice(1)).toEqual([['queue', { error: 'refused', repeated: 5_000 }]]);
});

test('the number begins anew with each line', () => {
  errors.report('queue', new Error('refused'));
  for (const count of [2, 1, 0]) {
    for (let i = 0; i < count; i++) errors.report('queue', new Error('refused'));
    nowMs += 30_000;
    errors.report('queue', new Error('refused'));
  }
  expect(lines.map(([, facts]) => facts?.repeated)).toEqual([undefined, 2, 1, undefined]);
});

test('it is told as an error where that is asked for, and apart from the same of others', () => {
  const error = jest.fn();
  const log = { error, warn: error, info: error, debug: error, keep: () => undefined, with: () => log };
  const told = new RepeatedErrors(log, { now: () => nowMs });
  for (const apart of ['a', 'b', 'a'])
    told.report('job failed', new Error('refused'), { of: apart }, { level: 'error', apart });
  expect(error.mock.calls).toEqual([
    ['job failed', { error: 'refused', of: 'a' }],
    ['job failed', { error: 'refused', of: 'b' }],
  ]);
});

test('errors are told apart by where they came from and by what they say', () => {
  errors.report('queue', new Error('refused'));
  errors.report('cache', new Error('refused'));
  errors.report('queue', new Error('timed out'));
  errors.report('queue', new Error('refused'));
  expect(lines.map(([where, facts]) => [where, facts?.error])).toEqual([
    ['queue', 'refused'],
    ['cache', 'refused'],
    ['queue', 'timed out'],
  ]);
});

test.each([
  ['an error without a message has its code', Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['one without either is a failed connection', new Error(''), 'connection failed'],
  [
    'several at once are joined',
    new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]),
    '::1 refused; 127.0.0.1 refused',
  ],
  ['text is taken as it is', 'gone', 'gone'],
])('%s', (_, error, message) => {
  errors.report('redis', error);
  expect(lines).toEqual([['redis', { error: message }]]);
});

test('200 different errors are remembered; the ones told longest ago are forgotten first', () => {
  for (let i = 0; i < 201; i++) errors.report('queue', new Error(`error ${i}`));
  expect(lines).toHaveLength(201);
  errors.report('queue', new Error('error 1'));
  expect(lines).toHaveLength(201);
  errors.report('queue', new Error('error 0'));
  expect(lines).toHaveLength(202);
});

test('an error that is told again counts as new', () => {
  for (let i = 0; i < 200; i++) errors.report('queue', new Error(`error ${i}`));
  nowMs += 30_000;
  errors.report('queue', new Error('error 0'));
  errors.report('queue', new Error('error 200'));
  expect(lines).toHaveLength(202);
  errors.report('queue', new Error('error 0'));
  expect(lines).toHaveLength(202);
});

test('a line that is due goes to the log that it is given', () => {
  const told: string[] = [];
  const keep = (): void => undefined;
  const cycle = { warn: (message: string) => void told.push(message), keep } as unknown as Logger;
  errors.report('history', new Error('refused'), {}, { log: cycle });
  errors.report('history', new Error('refused'), {}, { log: cycle });
  expect([told, lines]).toEqual([['history'], []]);
});
