import fc from 'fast-check';
import { batchId, batchNumber, newCycleId, startOfCycle } from '#jobs/cycle/cycle-id';

/** To the end of the year 9999. */
const aTime = fc.integer({ min: 0, max: Date.UTC(10_000, 0, 1) - 1 });
const wholeSecond = (ms: number) => Math.floor(ms / 1_000) * 1_000;

test('an id can be read', () => {
  expect(newCycleId(Date.UTC(2026, 10, 24, 3, 37, 4, 999))).toMatch(/^20261124t033704-[0-9a-f]{6}$/);
});

test('two ids of the same moment differ', () => {
  expect(newCycleId(0)).not.toBe(newCycleId(0));
});

test('ids sort by time, and tell their second', () => {
  fc.assert(
    fc.property(aTime, aTime, (a, b) => {
      const [first, second] = [newCycleId(a), newCycleId(b)];
      expect(startOfCycle(first)).toBe(wholeSecond(a));
      if (wholeSecond(a) < wholeSecond(b)) expect(first < second).toBe(true);
    }),
  );
});

test('BullMQ takes ids of cycles and batches: no colon, and not like an integer', () => {
  fc.assert(
    fc.property(aTime, fc.nat(100_000), (ms, number) => {
      const cycle = newCycleId(ms);
      for (const id of [cycle, batchId(cycle, number)]) {
        expect(id).not.toContain(':');
        expect(`${Number.parseInt(id, 10)}`).not.toBe(id);
        expect(Number.isNaN(Number(id))).toBe(true);
      }
    }),
  );
});

test.each([
  '',
  'hello',
  '20261124',
  '20261124t033704',
  '2026-11-24T03:37:04Z',
  '20261399t990000-abcdef',
  'x20261124t033704-abcdef',
])('%j is the id of no cycle', (id) => {
  expect(startOfCycle(id)).toBeNaN();
});

test.each([
  ['20261124t033704-4f9a1c-b0', 0],
  ['20261124t033704-4f9a1c-b156', 156],
  ['{forewarm}:warm-batch:20261124t033704-4f9a1c-b7', 7],
  ['20261124t033704-4f9a1c', -1],
  ['20261124t033704-4f9a1c-b', -1],
  ['20261124t033704-4f9a1c-b1-x', -1],
  ['', -1],
])('%j is of batch %i', (id, number) => {
  expect(batchNumber(id)).toBe(number);
});

test('the number of a batch comes back from its id', () => {
  // The random part may look like a batch itself: `…-b12345` is a cycle only until the number is added.
  for (const number of [0, 1, 19, 12_345]) {
    expect(batchNumber(batchId('20261124t033704-b12345', number))).toBe(number);
  }
});
