import { type CancelledBatch, settleCycle } from '#jobs/cycle/settle-cycle';
import type { BatchSummary } from '#shared/inference/protocol';

const cycle = '20261124t033704-4f9a1c';
const key = (number: number) => `{forewarm}:warm-batch:${cycle}-b${number}`;
const timings = { wallMs: 16, loadMs: 0, readMs: 0, featuresMs: 1, inferMs: 10, packMs: 1, redisMs: 2, postgresMs: 3 };

function summary(more: Partial<BatchSummary> = {}): BatchSummary {
  const counts = { computed: 64, restored: 0, verified: 0, failed: 0, durable: 64 };
  return { ...counts, failures: [], failedCategories: [], durableError: undefined, timings, ...more };
}
const failure = (category: string, message = 'value 0 of 168 is NaN') => ({
  category,
  code: 'FW_VALUE_NOT_FINITE' as const,
  message,
});
const settle = (
  batchSizes: number[],
  summaries: Record<number, BatchSummary | CancelledBatch>,
  failures: Record<number, string> = {},
) => {
  const keyed = <T>(results: Record<number, T>) =>
    Object.fromEntries(Object.entries(results).map(([number, result]) => [key(Number(number)), result]));
  const batchStarts = batchSizes.map((_, number) => `first of ${number}`);
  return settleCycle({ batchSizes, batchStarts }, { values: keyed(summaries), failures: keyed(failures) });
};

test('a cycle whose batches all brought their rows is complete', () => {
  const settled = settle([64, 46], { 0: summary(), 1: summary({ computed: 46, durable: 46 }) });
  expect(settled).toMatchObject({ state: 'complete', reason: null, everyRow: true });
  expect(settled).toMatchObject({ computed: 110, restored: 0, verified: 0, failed: 0, durable: 110 });
  expect(
    settled.batches.map(({ number, state, categories, computed, error }) => [
      number,
      state,
      categories,
      computed,
      error,
    ]),
  ).toEqual([
    [0, 'complete', 64, 64, null],
    [1, 'complete', 46, 46, null],
  ]);
  expect(settled.batches[0]?.timings).toEqual(timings);
});

test('rows that were restored or verified count as well as computed ones', () => {
  const filled = summary({ computed: 0, restored: 60, verified: 4, durable: 60 });
  expect(settle([64], { 0: filled })).toMatchObject({
    ...{ state: 'complete', everyRow: true, computed: 0, restored: 60, verified: 4, durable: 60 },
  });
});

test('rows that the cache had lost are counted over the batches, also with one of an older worker', () => {
  const settled = settle([64, 64, 46], { 0: summary({ lost: 3 }), 1: summary(), 2: summary({ lost: 4 }) });
  expect(settled).toMatchObject({ state: 'complete', lost: 7 });
});

test('a cycle of which a batch did not begin because it was cancelled is cancelled, and not every row was seen to', () => {
  const settled = settle([64, 46, 10], { 0: summary(), 1: { cancelled: true }, 2: { cancelled: true } });
  expect(settled).toMatchObject({
    ...{ state: 'cancelled', everyRow: false, computed: 64, failed: 0 },
    reason: 'cancelled: 2 of 3 batches (56 rows) were not begun',
  });
  expect(settled.batches.map(({ state }) => state)).toEqual(['complete', 'cancelled', 'cancelled']);
});

test('a cycle that was cancelled before any batch began is cancelled, not failed', () => {
  expect(settle([64], { 0: { cancelled: true } })).toMatchObject({ state: 'cancelled', failed: 0 });
});

test('the categories that failed are kept with their batch, all of them', () => {
  const failedCategories = Array.from({ length: 30 }, (_, i) => `c${i}`);
  const settled = settle([64], { 0: summary({ computed: 34, failed: 30, failedCategories }) });
  expect(settled.batches[0]?.failedCategories).toEqual(failedCategories);
});

test('results are told apart by the number of their batch, not by their order', () => {
  const settled = settle([64, 46], { 1: summary({ computed: 46 }), 0: summary() });
  expect(settled.batches.map((batch) => batch.computed)).toEqual([64, 46]);
});

test('a category that failed makes the cycle degraded, and is named with its cause', () => {
  const settled = settle([64], { 0: summary({ computed: 63, failed: 1, failures: [failure('Fire: ALARM')] }) });
  expect(settled).toMatchObject({
    state: 'degraded',
    everyRow: false,
    failed: 1,
    reason: '1 row failed: Fire: ALARM: value 0 of 168 is NaN',
  });
  expect(settled.batches[0]).toMatchObject({ state: 'degraded', failures: [failure('Fire: ALARM')], error: null });
});

test('a batch that failed makes the cycle degraded, with all its categories', () => {
  const settled = settle([64, 46], { 0: summary() }, { 1: 'a batch of 46 of calls took longer than 60000 ms' });
  expect(settled).toMatchObject({
    state: 'degraded',
    everyRow: false,
    ...{ computed: 64, failed: 46 },
    reason:
      '46 rows failed: batch 1 (46 categories from "first of 1"): a batch of 46 of calls took longer than 60000 ms',
  });
  expect(settled.batches[1]).toEqual({
    ...{ number: 1, state: 'failed', categories: 46, computed: 0, restored: 0, verified: 0, failed: 46, durable: 0 },
    ...{ timings: null, failures: [], failedCategories: [], error: 'a batch of 46 of calls took longer than 60000 ms' },
  });
});

test('a batch without any result has failed', () => {
  const settled = settle([64, 46], { 0: summary() });
  expect(settled).toMatchObject({ state: 'degraded', everyRow: false, failed: 46 });
  expect(settled.reason).toBe('46 rows failed: batch 1 (46 categories from "first of 1"): its result is missing');
});

test('a result counts more than an earlier failure of the same batch', () => {
  expect(settle([64], { 0: summary() }, { 0: 'stalled' })).toMatchObject({ state: 'complete', reason: null });
});

test('a cycle that brought no row has failed', () => {
  const settled = settle([64, 46], {}, { 0: 'Redis refused to write', 1: 'Redis refused to write' });
  expect(settled).toMatchObject({ state: 'failed', everyRow: false, computed: 0, failed: 110, durable: 0 });
  expect(settled.reason).toBe(
    '110 rows failed: batch 0 (64 categories from "first of 0"): Redis refused to write; batch 1 (46 categories from "first of 1"): Redis refused to write',
  );
});

test('so has one all of whose categories failed', () => {
  const all = summary({ computed: 0, failed: 2, durable: 0, failures: [failure('a'), failure('b')] });
  expect(settle([2], { 0: all })).toMatchObject({ state: 'failed', failed: 2 });
});

test('a reason names three causes and says that there are others', () => {
  const failures = ['a', 'b', 'c', 'd', 'e'].map((category) => failure(category, 'NaN'));
  expect(settle([64], { 0: summary({ computed: 59, failed: 5, failures }) }).reason).toBe(
    '5 rows failed: a: NaN; b: NaN; c: NaN; and others',
  );
});

test('batches that failed are named before single categories', () => {
  const one = summary({ computed: 63, failed: 1, failures: [failure('a', 'NaN')] });
  expect(settle([64, 46], { 0: one }, { 1: 'crashed' }).reason).toBe(
    '47 rows failed: batch 1 (46 categories from "first of 1"): crashed; a: NaN',
  );
});

test('rows that are in the cache and not in Postgres make the cycle degraded, with every row', () => {
  const away = summary({ durable: 0, durableError: 'connect ECONNREFUSED' });
  const settled = settle([64, 64, 64], { 0: away, 1: away, 2: summary() });
  expect(settled).toMatchObject({
    ...{ state: 'degraded', everyRow: true, computed: 192, failed: 0, durable: 64 },
    reason: 'Postgres was not written by 2 batches: connect ECONNREFUSED',
  });
  expect(settled.batches.map(({ state, error }) => [state, error])).toEqual([
    ['degraded', 'connect ECONNREFUSED'],
    ['degraded', 'connect ECONNREFUSED'],
    ['complete', null],
  ]);
});

test('both reasons are given where both hold', () => {
  const both = summary({ computed: 63, failed: 1, failures: [failure('a', 'NaN')], durable: 0, durableError: 'away' });
  expect(settle([64], { 0: both }).reason).toBe('1 row failed: a: NaN; Postgres was not written by 1 batch: away');
});
