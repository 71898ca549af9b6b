import { OverdueModels } from '#jobs/cycle/overdue-models';

const LOOK_MS = 5_000;
let nowMs = 0;
let overdue: OverdueModels;

beforeEach(() => {
  nowMs = 1_000;
  overdue = new OverdueModels({ now: () => nowMs }, LOOK_MS);
});

/** Looks every five seconds for so long, and returns after how many seconds a cycle was asked for. */
function asked(seconds: number, everyMs: number, lastCycle: (atSeconds: number) => string | undefined): number[] {
  const times: number[] = [];
  for (let at = 0; at <= seconds; at += LOOK_MS / 1_000) {
    if (overdue.isOverdue({ name: 'm', everyMs }, lastCycle(at))) times.push(at);
    nowMs += LOOK_MS;
  }
  return times;
}

test('cycles that end in time are not overdue', () => {
  expect(asked(600, 20_000, (at) => `cycle ${Math.floor(at / 55)}`)).toEqual([]);
});

test('a cycle is asked for after three periods without the end of one, and again after three more', () => {
  expect(asked(130, 20_000, () => 'the last one')).toEqual([60, 120]);
});

test('while nothing is live, soon, and then after growing pauses up to the period', () => {
  expect(asked(300, 60_000, () => undefined)).toEqual([10, 30, 70, 130, 190, 250]);
});

test('with a short period nobody waits for longer than that', () => {
  expect(asked(15, 5_000, () => undefined)).toEqual([5, 10, 15]);
});

test('a cycle that ends begins the count anew', () => {
  expect(asked(150, 20_000, (at) => (at < 55 ? 'one' : 'two'))).toEqual([115]);
});

test('time that the machine slept does not count, nor time in which the model was held', () => {
  expect(asked(50, 20_000, () => 'one')).toEqual([]);
  nowMs += 3_600_000;
  expect(overdue.isOverdue({ name: 'm', everyMs: 20_000 }, 'one')).toBe(true);
  expect(asked(20, 20_000, () => 'one')).toEqual([]);
  for (let i = 0; i < 100; i++) {
    nowMs += LOOK_MS;
    overdue.hold('m');
  }
  expect(asked(25, 20_000, () => 'one')).toEqual([]);
});
