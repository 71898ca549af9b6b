import type { Facts, Logger } from '#shared/logger';
import { RepeatedErrors } from '#shared/repeated-errors';
import { QueueTrouble, refusesWrites } from '#workers/queue-trouble';

const OOM = "OOM command not allowed when used memory > 'maxmemory'. script: 58773d6ca2, on @user_script:1.";

let lines: [string, string, Facts | undefined][];
let trouble: QueueTrouble;

beforeEach(() => {
  lines = [];
  const told = (level: string) => (message: string, facts?: Facts) => void lines.push([level, message, facts]);
  const log: Logger = {
    ...{ error: told('error'), warn: told('warn'), info: told('info'), debug: told('debug') },
    keep: () => undefined,
    with: () => log,
  };
  trouble = new QueueTrouble(new RepeatedErrors(log, { now: () => 0 }), log);
});

test('refusals of whatever script of whatever queue are one trouble, and the end of it is told once', () => {
  trouble.report('queue warm', new Error(OOM));
  trouble.report('queue publish', new Error(OOM.replace('58773d6ca2', '0123456789')));
  expect(lines).toEqual([
    [
      'warn',
      expect.stringMatching(/^the queue Redis refuses writes/),
      { error: "OOM command not allowed when used memory > 'maxmemory'", next: expect.any(String) },
    ],
  ]);
  expect(trouble.refusal).toBe("OOM command not allowed when used memory > 'maxmemory'");
  trouble.accepted();
  trouble.accepted();
  expect(lines.slice(1)).toEqual([['info', 'the queue Redis takes writes again', undefined]]);
  expect(trouble.refusal).toBeUndefined();
});

test('what is no refusal is told as it is, with its facts', () => {
  trouble.report('queue warm', new Error('connect ECONNREFUSED'), { attempt: 1 });
  expect(lines).toEqual([['warn', 'queue warm', { error: 'connect ECONNREFUSED', attempt: 1 }]]);
  expect(trouble.refusal).toBeUndefined();
});

test.each([
  [OOM, true],
  ['claiming m: MISCONF Errors writing to the AOF file: No space left on device', true],
  ["READONLY You can't write against a read only replica.", true],
  ['LOADING Redis is loading the dataset in memory', false],
  ['connect ECONNREFUSED 127.0.0.1:6379', false],
  ['ZOOM command', false],
])('%s: %p', (message, refuses) => {
  expect(refusesWrites(new Error(message))).toBe(refuses);
});
