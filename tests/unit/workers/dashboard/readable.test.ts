import { readable } from '#workers/dashboard/readable';

const many = (count: number) => Array.from({ length: count }, (_, i) => `category ${i}`);

test('a batch is told in a few lines', () => {
  const batch = {
    ...{ cycle: '20261124t033704-4f9a1c', number: 3, model: 'calls', generation: '0123456789ab', mode: 'compute' },
    categories: many(512),
  };
  expect(readable(batch)).toEqual({
    ...batch,
    categories: '512 categories from "category 0" to "category 511": "category 0", "category 1", "category 2", …',
  });
});

test('a short list is left as it is', () => {
  expect(readable({ categories: many(8) })).toEqual({ categories: many(8) });
  expect(readable({ categories: many(9) })).toEqual({ categories: expect.stringMatching(/^9 categories from /) });
});

test('of numbers the sum is told', () => {
  expect(readable({ batchSizes: Array.from({ length: 20 }, () => 500) })).toEqual({
    batchSizes: '20 batch sizes, 10,000 in all: 500, 500, 500, …',
  });
});

test('a list in a list, and one of objects', () => {
  expect(readable([many(9), [1]])).toEqual([expect.stringMatching(/^9 items from "category 0"/), [1]]);
  const failures = Array.from({ length: 10 }, (_, i) => ({ category: `c${i}`, token: 'abc' }));
  expect(readable({ failures })).toEqual({
    failures: expect.stringMatching(/^10 failures from \{"category":"c0","token":"\*\*\*"\} to \{"category":"c9",/),
  });
});

test('a moment is a date, a duration stays a number', () => {
  expect(readable({ startedAtMs: 1_764_000_000_000, durationMs: 83 })).toEqual({
    startedAtMs: '2025-11-24T16:00:00.000Z',
    durationMs: 83,
  });
});

test.each([1e300, Number.NaN, Number.POSITIVE_INFINITY])('%d is no date, and does no harm', (number) => {
  expect(readable({ startedAtMs: number })).toEqual({ startedAtMs: number });
});

test('a long text is cut between letters', () => {
  expect(readable('x'.repeat(300))).toBe('x'.repeat(300));
  expect(readable('🚒'.repeat(1_000))).toBe(`${'🚒'.repeat(300)}… (1000 characters)`);
});

describe('what looks like a secret', () => {
  test.each(['password', 'dbPassword', 'apiKey', 'api_key', 'authToken', 'clientSecret'])('%s is hidden', (name) => {
    expect(readable({ [name]: 'hunter2' })).toEqual({ [name]: '***' });
    expect(readable({ [name]: ['hunter2'] })).toEqual({ [name]: '***' });
    expect(readable({ [name]: null })).toEqual({ [name]: null });
  });

  test('the password of a URL is hidden wherever it stands', () => {
    const data = { reason: 'cannot reach redis://user:hunter2@host:6379', list: [['redis://:hunter2@host']] };
    expect(JSON.stringify(readable(data))).not.toContain('hunter2');
  });

  test('a category that is called like one is not', () => {
    expect(readable({ categories: ['Passenger: late', 'Token: lost'] })).toEqual({
      categories: ['Passenger: late', 'Token: lost'],
    });
  });
});

test.each([undefined, null, true, 0, '', [], {}])('%p is left as it is', (value) => {
  expect(readable(value)).toEqual(value);
});

test('what is nested without end ends', () => {
  let nested: unknown = 'end';
  for (let depth = 0; depth < 5_000; depth++) nested = { nested };
  expect(JSON.stringify(readable(nested))).toMatch(/^(\{"nested":){6}"…"\}{6}$/);
});
