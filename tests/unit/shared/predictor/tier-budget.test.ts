import { setTimeout as delay } from 'node:timers/promises';
import { ForewarmError } from '#shared/errors';
import { TierBudget } from '#shared/predictor/tier-budget';

const REST_MS = 500;
const broken = new ForewarmError('FW_REDIS_UNAVAILABLE', 'there is no connection');

let breaks: number;
const budgets: TierBudget[] = [];

function budgetOf(limitMs = 60_000): TierBudget {
  breaks = 0;
  const budget = new TierBudget(limitMs, () => breaks++);
  budgets.push(budget);
  return budget;
}

afterEach(() => {
  jest.restoreAllMocks();
  for (const budget of budgets.splice(0)) budget.close();
});

const fail = (budget: TierBudget, error: Error = broken) =>
  budget.spend(() => Promise.reject(error)).catch((thrown: unknown) => thrown);
const succeed = (budget: TierBudget) => budget.spend(async () => 'well');

/** How a call went that was made between `begin` and `end`; the breaker hears of it within a turn. */
async function watched(budget: TierBudget, error?: Error): Promise<void> {
  const { wait, breaks } = budget.begin(() => undefined);
  wait.end();
  budget.end(breaks, error);
  await new Promise(setImmediate);
}

async function untilRested(budget: TierBudget): Promise<void> {
  while (budget.resting) await delay(5);
}

test('what work answers and throws is passed on', async () => {
  const budget = budgetOf();
  expect(await succeed(budget)).toBe('well');
  expect(await fail(budget)).toBe(broken);
});

test('work that takes too long is an error of the catalogue, and counts as a failure', async () => {
  const budget = budgetOf(10);
  for (let i = 0; i < 5; i++) {
    await expect(budget.spend(() => new Promise(() => undefined))).rejects.toMatchObject({
      code: 'FW_TIER_TIME_LIMIT',
      message: 'no answer within 10 ms',
    });
  }
  expect([budget.resting, budget.well, breaks]).toEqual([true, false, 1]);
});

test('five failures in a row are the end for a moment: nothing is asked, and it says why', async () => {
  const budget = budgetOf();
  for (let i = 0; i < 5; i++) {
    expect([budget.resting, budget.well]).toEqual([false, true]);
    await fail(budget);
  }
  expect([budget.resting, budget.well, breaks]).toEqual([true, false, 1]);
  const work = jest.fn();
  await expect(budget.spend(work)).rejects.toMatchObject({
    code: 'FW_TIER_RESTING',
    message: expect.stringContaining('there is no connection'),
  });
  expect(work).not.toHaveBeenCalled();
});

test.each([
  ['spend and spend', fail, succeed],
  ['spend and watch', fail, watched],
  ['watch and spend', (budget: TierBudget) => watched(budget, broken), succeed],
  ['watch and watch', (budget: TierBudget) => watched(budget, broken), watched],
])('four failures and a success, over and over, are nothing: %s', async (_, failing, succeeding) => {
  const budget = budgetOf();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) await failing(budget);
    await succeeding(budget);
  }
  expect([budget.well, breaks]).toEqual([true, 0]);
});

test('calls of both kinds share the count', async () => {
  const budget = budgetOf();
  for (let i = 0; i < 3; i++) await watched(budget, broken);
  for (let i = 0; i < 2; i++) await fail(budget);
  expect(budget.resting).toBe(true);
  await expect(succeed(budget)).rejects.toMatchObject({ code: 'FW_TIER_RESTING' });
});

test('waits that run out count by themselves, and who waits is told', async () => {
  const budget = budgetOf(10);
  const told: ForewarmError[] = [];
  for (let i = 0; i < 5; i++) budget.begin((error) => told.push(error));
  while (told.length < 5) await delay(2);
  await new Promise(setImmediate);
  expect(told.map(({ code }) => code)).toEqual(Array(5).fill('FW_TIER_TIME_LIMIT'));
  expect(budget.resting).toBe(true);
});

test('after half a second one call tries it, and the others do not wait for that', async () => {
  const budget = budgetOf();
  for (let i = 0; i < 5; i++) await fail(budget);
  const began = performance.now();
  await untilRested(budget);
  expect(performance.now() - began).toBeGreaterThan(REST_MS - 50);

  let answer: (text: string) => void = () => undefined;
  const probe = budget.spend(() => new Promise<string>((resolve) => (answer = resolve)));
  const others = await Promise.allSettled([succeed(budget), succeed(budget), succeed(budget)]);
  for (const other of others) expect(other).toMatchObject({ status: 'rejected', reason: { code: 'FW_TIER_RESTING' } });
  expect([budget.resting, budget.well]).toEqual([true, false]);
  answer('back');
  expect(await probe).toBe('back');
  expect([budget.resting, budget.well, breaks]).toEqual([false, true, 1]);
  expect(await succeed(budget)).toBe('well');
});

test('when that call fails it rests again', async () => {
  const budget = budgetOf();
  for (let i = 0; i < 5; i++) await fail(budget);
  await untilRested(budget);
  expect(await fail(budget, new Error('still away'))).toMatchObject({ message: 'still away' });
  expect([budget.resting, breaks]).toEqual([true, 2]);
  await expect(succeed(budget)).rejects.toMatchObject({ message: expect.stringContaining('still away') });
  await untilRested(budget);
  expect(await succeed(budget)).toBe('well');
});

test.each([
  ['back', -3_600_000],
  ['forward', 3_600_000],
])('a wall clock that is set %s does not change how long it rests', async (_, stepMs) => {
  const budget = budgetOf();
  for (let i = 0; i < 5; i++) await fail(budget);
  const began = performance.now();
  const now = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + stepMs);
  await expect(succeed(budget)).rejects.toMatchObject({ code: 'FW_TIER_RESTING' });
  await untilRested(budget);
  const restedMs = performance.now() - began;
  expect(restedMs).toBeGreaterThan(REST_MS - 50);
  // At most one call is lost over it.
  await succeed(budget).catch(() => undefined);
  expect(await succeed(budget)).toBe('well');
});

test('what is about one question only is no fault of the tier', async () => {
  const budget = budgetOf();
  for (const code of ['FW_GENERATION_NOT_HERE', 'FW_READER_BUSY'] as const) {
    for (let i = 0; i < 10; i++) {
      const error = new ForewarmError(code, 'no');
      expect(await fail(budget, error)).toBe(error);
    }
  }
  expect([budget.well, breaks]).toEqual([true, 0]);
});

test('nor is it when it comes to the call that tries a tier again: it has answered', async () => {
  const budget = budgetOf();
  for (let i = 0; i < 5; i++) await fail(budget);
  await untilRested(budget);
  await fail(budget, new ForewarmError('FW_READER_BUSY', 'no'));
  expect(budget.well).toBe(true);
});

test('its end ends the waits for what is under way', async () => {
  const budget = budgetOf();
  const told: string[] = [];
  const work = budget.spend(() => new Promise(() => undefined));
  budget.begin(({ code }) => told.push(code));
  budget.close();
  await expect(work).rejects.toMatchObject({ code: 'FW_TIER_TIME_LIMIT' });
  expect(told).toEqual(['FW_TIER_TIME_LIMIT']);
});

test('of calls that began before a break nothing is learned', async () => {
  const budget = budgetOf();
  const fail = () => budget.begin(() => undefined);
  const slow = Array.from({ length: 6 }, fail);
  const now = Array.from({ length: 5 }, fail);
  for (const { wait, breaks: before } of now) {
    wait.end();
    budget.end(before, broken);
  }
  await new Promise(setImmediate);
  expect([budget.resting, breaks]).toEqual([true, 1]);
  await untilRested(budget);
  let answered: (answer: string) => void = () => undefined;
  const probe = budget.spend(() => new Promise<string>((resolve) => (answered = resolve)));
  for (const { wait, breaks: before } of slow) {
    wait.end();
    budget.end(before, broken);
  }
  await new Promise(setImmediate);
  answered('well');
  expect(await probe).toBe('well');
  expect([budget.well, breaks]).toEqual([true, 1]);
});
