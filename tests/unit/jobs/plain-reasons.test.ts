import { plainReasons } from '#jobs/cycle/plain-reasons';
import { ForewarmError } from '#shared/errors';
import type { BatchRecord } from '#shared/store/history-store';

const NAME = 'a category';

function batch(more: Partial<BatchRecord>): BatchRecord {
  const counts = { computed: 0, restored: 0, verified: 0, failed: 0, durable: 0 };
  const nothing = { timings: null, failures: [], failedCategories: [], error: null };
  return { number: 0, state: 'complete', categories: 3, ...counts, ...nothing, ...more };
}
const nan = { category: NAME, code: 'FW_VALUE_NOT_FINITE' as const, message: `${NAME} is NaN` };
const settled = (more: Partial<Parameters<typeof plainReasons>[1]>) => ({
  batches: [],
  failed: 0,
  behind: false,
  ...more,
});
const published = { withheld: null, gone: null };

test('a cycle that is complete has no reason', () => {
  expect(plainReasons({ reason: null }, settled({ batches: [batch({})] }), published)).toEqual([]);
});

test('rows and batches that failed have their codes, each once, and no names', () => {
  const batches = [
    batch({ failed: 2, failures: [nan, nan] }),
    batch({ state: 'failed', failed: 3, error: `FW_INFERENCE_CRASHED: the process with ${NAME} ended` }),
    batch({ state: 'failed', failed: 3, error: 'its result is missing' }),
    batch({ error: 'connect ECONNREFUSED' }),
  ];
  const reasons = plainReasons({ reason: NAME }, settled({ batches, failed: 8, behind: true }), published);
  expect(reasons).toEqual([
    '8 rows failed: FW_VALUE_NOT_FINITE, FW_INFERENCE_CRASHED',
    'rows not copied to PostgreSQL',
  ]);
  const one = settled({ batches: [batch({ state: 'failed', failed: 1, error: 'its result is missing' })], failed: 1 });
  expect(plainReasons({ reason: NAME }, one, published)).toEqual(['1 row failed']);
});

test('what keeps a generation from readers is told by its kind', () => {
  const refused = { withheld: `the worst cell is of ${NAME}`, gone: '3 rows were evicted' };
  expect(plainReasons({ reason: NAME }, settled({}), refused)).toEqual([
    'generation withheld',
    'rows gone from the cache',
  ]);
  const error = new ForewarmError('FW_REDIS_UNAVAILABLE', NAME);
  expect(plainReasons({ reason: NAME }, settled({}), undefined, error)).toEqual([
    'not published: FW_REDIS_UNAVAILABLE',
  ]);
});

test('a cancelled cycle withholds nothing besides', () => {
  const batches = [batch({ state: 'cancelled' }), batch({ state: 'cancelled' })];
  const withheld = { withheld: 'the cycle was cancelled', gone: null };
  expect(plainReasons({ reason: 'cancelled' }, settled({ batches }), withheld)).toEqual(['2 batches cancelled']);
});

test('for any other reason there is the run history', () => {
  expect(plainReasons({ reason: `no feature for ${NAME}` }, settled({}), published)).toEqual(['see the run history']);
});
