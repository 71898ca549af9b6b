import { afterFailure, allowed, breaks, type ModelTries, outcomeOf } from '#jobs/cycle/model-breaker';
import type { BatchRecord, Trigger } from '#shared/store/history-store';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const EVERY_MS = 20_000;
const policy = { brokenAfter: 3, everyMs: EVERY_MS };
const crash = { code: 'FW_INFERENCE_CRASHED', reason: 'it died' } as const;

/** The state after so many failures, each at the moment when the model may be tried again. */
function failed(times: number, subject = 'file a', more: Partial<typeof policy> = {}): ModelTries {
  let tries: ModelTries | undefined;
  for (let i = 0; i < times; i++) {
    tries = afterFailure(tries, subject, crash, { ...policy, ...more }, tries?.nextTryAtMs ?? NOW);
  }
  if (tries === undefined) throw new Error('at least one');
  return tries;
}

describe('failures in a row', () => {
  test('the first make a model suspect, the third breaks it', () => {
    expect(failed(1)).toMatchObject({ failures: 1, brokenSince: null, ...crash });
    expect(failed(2)).toMatchObject({ failures: 2, brokenSince: null });
    expect(failed(3)).toMatchObject({ failures: 3, brokenSince: '2026-11-24T12:00:00.000Z' });
  });

  test('it stays broken since when it was, and the pauses double up to ten minutes', () => {
    const pauses: number[] = [];
    let tries: ModelTries | undefined = failed(2);
    for (let nowMs = NOW; pauses.length < 8; nowMs = tries.nextTryAtMs) {
      tries = afterFailure(tries, 'file a', crash, policy, nowMs);
      expect(tries.brokenSince).toBe('2026-11-24T12:00:00.000Z');
      pauses.push((tries.nextTryAtMs - nowMs) / 1_000);
    }
    expect(pauses).toEqual([20, 40, 80, 160, 320, 600, 600, 600]);
  });

  test('no pause is longer than ten minutes, with a long period and after any number of failures', () => {
    const often = { ...failed(3), failures: 10_000 };
    expect(afterFailure(often, 'file a', crash, policy, NOW).nextTryAtMs - NOW).toBe(600_000);
    expect(afterFailure(failed(2), 'file a', crash, { ...policy, everyMs: 3_600_000 }, NOW).nextTryAtMs - NOW).toBe(
      600_000,
    );
  });

  test('another file begins to count anew', () => {
    expect(afterFailure(failed(5), 'file b', crash, policy, NOW)).toMatchObject({ failures: 1, brokenSince: null });
  });

  test('with brokenAfter 1 the first failure breaks', () => {
    expect(failed(1, 'file a', { brokenAfter: 1 }).brokenSince).not.toBeNull();
  });
});

describe('what a cycle may be', () => {
  const broken = failed(3);
  test.each<[string, ModelTries | undefined, Trigger, number, ReturnType<typeof allowed>]>([
    ['a model that works', undefined, 'schedule', NOW, 'whole'],
    ['a suspect model', failed(1), 'schedule', NOW, 'probe'],
    ['a broken model before its time', broken, 'schedule', broken.nextTryAtMs - 1, 'wait'],
    ['a heal of it', broken, 'heal', broken.nextTryAtMs - 1, 'wait'],
    ['a broken model at its time', broken, 'schedule', broken.nextTryAtMs, 'probe'],
    ['a broken model whose time is further ahead than any pause', broken, 'schedule', NOW - 3_600_000, 'probe'],
    ['what somebody asks for', broken, 'command', NOW, 'whole'],
    ['a retry', broken, 'retry', NOW, 'whole'],
    ['the start of a daemon', broken, 'startup', NOW, 'whole'],
  ])('%s', (_, tries, trigger, nowMs, expected) => {
    expect(allowed(tries, trigger, nowMs)).toBe(expected);
  });
});

test.each([
  ['FW_MODEL_NOT_ONNX', true],
  ['FW_MODEL_FILE_MISSING', true],
  ['FW_MODEL_BROKEN', true],
  ['FW_INFERENCE_CRASHED', true],
  ['FW_INFERENCE_TIME_LIMIT', true],
  ['FW_INFERENCE_FAILED', true],
  ['FW_MODEL_CHANGED', false],
  ['FW_MODEL_UNKNOWN', false],
  ['FW_REDIS_WRITE_FAILED', false],
  ['FW_VALUE_NOT_FINITE', false],
  ['', false],
])('%s is the fault of the model: %s', (code, expected) => {
  expect(breaks(code)).toBe(expected);
});

describe('what a cycle tells', () => {
  const batch = (more: Partial<BatchRecord>): BatchRecord => ({
    ...{ number: 0, state: 'complete', categories: 4, computed: 0, restored: 0, verified: 0, failed: 0, durable: 0 },
    ...{ timings: null, failures: [], failedCategories: [], error: null },
    ...more,
  });
  const lost = batch({ state: 'failed', failed: 4, error: 'FW_INFERENCE_CRASHED: signal SIGKILL' });
  const works = batch({ computed: 4 });
  const told = (...batches: BatchRecord[]) => outcomeOf({ batches, reason: 'why' });

  test('one batch that ran is enough to see that the model works', () => {
    expect(told(works)).toBe('works');
    expect(told(lost, works, lost)).toBe('works');
  });

  test('a model that gives nothing but NaN runs', () => {
    expect(told(batch({ state: 'degraded', failed: 4 }))).toBe('works');
  });

  test('when each batch failed by its fault, it failed', () => {
    expect(told(lost, lost)).toEqual({ code: 'FW_INFERENCE_CRASHED', reason: 'why' });
  });

  test('a batch that was not begun failed by what its cycle had lost processes by', () => {
    const error = 'FW_MODEL_BROKEN: not begun: …; the last one: FW_INFERENCE_TIME_LIMIT: took longer';
    expect(told(batch({ state: 'failed', error }))).toMatchObject({ code: 'FW_INFERENCE_TIME_LIMIT' });
  });

  test.each([
    ['rows were restored and none computed', [batch({ restored: 4 })]],
    ['Redis was full', [batch({ state: 'failed', error: 'FW_REDIS_WRITE_FAILED: OOM' })]],
    ['Redis was full for one', [lost, batch({ state: 'failed', error: 'FW_REDIS_WRITE_FAILED: OOM' })]],
    ['an error is of nobody', [batch({ state: 'failed', error: 'job stalled more than allowable limit' })]],
    ['it was cancelled', [batch({ state: 'cancelled' })]],
  ])('nothing, when %s', (_, batches) => {
    expect(told(...batches)).toBe('unknown');
  });
});
